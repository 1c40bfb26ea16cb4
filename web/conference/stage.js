// The seats of a call, and how they stand: all alike, or one large.

import {grid, speaker} from './layout.js';
import {make, press} from '/page.js';
import {put, Seat} from './seat.js';

export class Stage {
  layout = 'grid';
  #element;
  #room;
  #seats = new Map(); // "peer source": Seat
  #pinned = null;
  #large = null; // who spoke last, until somebody else has
  #observer = new ResizeObserver(() => this.#place());
  #tools;
  #more = make('button', 'more'); // for whom there is no place

  // tools: {mute(seat), remove(seat)} of hosts; more(): those are asked for who are not shown; numbers().
  constructor(element, room, tools) {
    this.#element = element;
    this.#room = room;
    this.#tools = tools;
    this.#more.onclick = () => tools.more();
    element.append(this.#more);
    this.#observer.observe(element);
  }

  // Brings the seats in step with the room.
  refresh() {
    const {me, peers, published} = this.#room;
    const there = new Map();
    const seat = (peer, own, source, track) => there.set(`${peer.id} ${source}`, {peer, own, screen: source === 'screen', track});
    for (const track of published.filter(t => t.source === 'screen')) seat(me, true, 'screen', track);
    for (const peer of peers.values()) if (peer.track('screen')) seat(peer, false, 'screen', peer.track('screen'));
    for (const peer of peers.values()) if (peer.role !== 'viewer') seat(peer, false, 'camera', peer.track('camera'));
    if (me.role !== 'viewer') seat(me, true, 'camera', published.find(t => t.source === 'camera') ?? null);
    for (const [key, s] of this.#seats) if (!there.has(key)) {
      s.remove();
      this.#seats.delete(key);
      if (this.#pinned === s) this.#pinned = null;
      if (this.#large === s) this.#large = null;
    }
    for (const [key, {peer, own, screen, track}] of there) {
      if (!this.#seats.has(key)) {
        const s = new Seat({peer, own, screen, pin: x => this.pin(x), ...this.#tools});
        this.#seats.set(key, s);
        this.#more.before(s.element);
      }
      const s = this.#seats.get(key);
      s.peer = peer;
      s.microphone = own ? published.find(t => t.source === 'microphone') : null;
      s.show(track);
      s.refresh({host: this.#room.can('moderate'), pinned: this.#pinned === s});
    }
    this.#place();
  }

  pin(seat) {
    this.#pinned = this.#pinned === seat ? null : seat;
    this.refresh();
  }

  setLayout(layout) {
    this.layout = layout;
    this.#pinned = null;
    this.refresh();
  }

  speaking(speakers, speakerNow) {
    const levels = new Map(speakers.map(s => [s.peer.id, s.level]));
    for (const s of this.#seats.values()) s.speaks(levels.get(s.peer.id));
    const seat = speakerNow && speakerNow !== this.#room.me && this.#seats.get(`${speakerNow.id} camera`);
    if (seat && seat !== this.#large) {
      this.#large = seat;
      this.#place();
    }
  }

  async measure(overlay) {
    const {tracks, send, receive} = await this.#room.stats();
    for (const s of this.#seats.values()) s.measure(tracks.get(s.measured), s.own ? send : receive, overlay);
  }

  #place() {
    const seats = this.#order(), {clientWidth: w, clientHeight: h} = this.#element;
    if (!seats.length || !w || !h) return;
    const one = this.layout === 'speaker' || this.#pinned || seats[0].screen;
    const boxes = one ? speaker(seats.length, w, h) : grid(seats.length, w, h);
    this.#more.hidden = !boxes.more;
    if (boxes.more) put(this.#more, boxes.more);
    const left = boxes.filter(b => !b).length;
    this.#more.textContent = `+${left}`;
    this.#more.title = `${left} more, in the list of people`;
    seats.forEach((s, i) => {
      s.place(boxes[i]);
      s.element.classList.toggle('large', one && i === 0);
      if (s.track && !s.own) s.track.want({priority: one && i === 0 ? 10 : 1});
      press(s.element.querySelector('.pin'), s === this.#pinned);
    });
  }

  // The large one first: what is pinned, a screen, who speaks. Others keep their places; oneself
  // comes last.
  #order() {
    const all = [...this.#seats.values()].sort((a, b) => a.own - b.own || b.screen - a.screen);
    const others = all.filter(s => !s.own);
    const first = this.#pinned ?? all.find(s => s.screen && !s.own) ?? (this.layout === 'speaker' ? this.#large ?? others[0] : null);
    return first ? [first, ...all.filter(s => s !== first)] : all;
  }

  close() {
    this.#observer.disconnect();
    for (const s of this.#seats.values()) s.remove();
    this.#seats.clear();
    this.#more.remove();
  }
}
