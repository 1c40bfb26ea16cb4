// One picture on the stage: a person's camera, or a screen.

import {why} from '/why.js';
import {notes, paint, press} from '/page.js';

const number = (v, digits = 0) => v === undefined ? '–' : v.toFixed(digits);
const rate = bps => bps === undefined ? '–' : bps >= 1e6 ? `${number(bps / 1e6, 2)} Mbit/s` : `${number(bps / 1e3)} kbit/s`;
const LIMITED = {bandwidth: 'your network gives no more', cpu: 'this device is busy'};
const LOSS = {fair: 0.02, poor: 0.08}, TRIP = {fair: 250, poor: 500}; // ms

// In whole pixels: a part of one would be a dark line beside the picture.
export function put(element, box) {
  for (const [key, v] of Object.entries(box)) element.style[key] = `${Math.round(v)}px`;
}

export class Seat {
  element = document.getElementById('seat').content.firstElementChild.cloneNode(true);
  video = this.element.querySelector('video');
  track = null; // Local or RemoteTrack of the picture
  #at = selector => this.element.querySelector(selector);

  // peer: a Peer, or the room's me. screen: not the camera. own: of this page.
  constructor({peer, own = false, screen = false, pin, mute, remove, numbers}) {
    Object.assign(this, {peer, own, screen, spoke: 0});
    this.element.classList.toggle('screen', screen);
    this.element.classList.toggle('mirror', own && !screen);
    this.element.dataset.peer = peer.id;
    this.element.dataset.source = screen ? 'screen' : 'camera';
    this.#at('.pin').onclick = () => pin(this);
    this.#at('.silence').onclick = () => mute(this);
    this.#at('.out').onclick = () => remove(this);
    this.#at('.bars').onclick = numbers;
    this.element.ondblclick = () => pin(this);
    this.refresh();
  }

  show(track) {
    if (this.track === track) return this.refresh();
    this.track?.detach(this.video);
    this.track = track;
    track?.attach(this.video);
    this.refresh();
  }

  // host: the tools of one are shown.
  refresh({host = false, pinned = false} = {}) {
    const name = this.peer.name || 'Guest';
    this.#at('.name').textContent = (this.screen ? `${name}’s screen` : name) + (this.own ? ' (you)' : '');
    this.element.setAttribute('aria-label', this.#at('.name').textContent);
    paint(this.#at('.avatar'), name);
    const {sound} = this;
    this.#at('.muted').toggleAttribute('hidden', this.screen || (!!sound && !sound.muted));
    this.#at('.raised').hidden = this.screen || !notes(this.peer).hand;
    this.element.classList.toggle('dark', !this.track || this.track.muted || !this.track.media);
    this.#at('.unreadable').hidden = this.track?.readable !== false;
    this.#at('.silence').hidden = !host || this.own || this.screen || !sound || sound.muted;
    this.#at('.out').hidden = !host || this.own || this.screen;
    press(this.#at('.pin'), pinned);
  }

  get sound() {
    return this.own ? this.microphone : this.peer.track?.('microphone');
  }

  // What tells how the network is: the picture, or the voice where there is none.
  get measured() {
    return [this.track, this.screen ? null : this.sound].find(t => t && !t.muted) ?? null;
  }

  place(box) {
    this.element.hidden = !box;
    if (box) put(this.element, box);
  }

  speaks(level) {
    const speaks = level !== null && level !== undefined;
    if (speaks) this.spoke = performance.now();
    this.element.classList.toggle('speaking', speaks && !this.screen);
  }

  // measures: of room.stats(). overlay: numbers are shown.
  measure(measures, {rtt} = {}, overlay = false) {
    const level = this.#level(measures, rtt), word = ['', 'Poor', 'Fair', 'Good'][level];
    const reason = [...this.#troubles(measures, rtt), this.#reason(measures)].filter(Boolean).join('; '), bars = this.#at('.bars');
    bars.hidden = !measures;
    bars.dataset.level = level;
    bars.title = word + (reason ? `: ${reason}` : '');
    bars.setAttribute('aria-label', `Connection: ${bars.title}`);
    const list = this.#at('.numbers');
    list.hidden = !overlay || !measures;
    if (list.hidden) return;
    const picture = [['size', measures.width ? `${measures.width}×${measures.height}` : '–'], ['frames', `${number(measures.fps)}/s`]];
    const rows = [['network', word], ...(this.measured?.kind === 'video' ? picture : []), ['rate', rate(measures.bps)],
      ['codec', measures.codec ?? '–'], ['loss', measures.loss === undefined ? '–' : `${number(measures.loss * 100, 1)} %`],
      ['trip', rtt === undefined ? '–' : `${number(rtt)} ms`]];
    if (measures.encodings.length > 1) rows.push(['sent', measures.encodings.filter(e => e.active !== false).map(e => e.height ?? '–').join(' ')]);
    list.replaceChildren(...rows.flatMap(([k, v]) => [Object.assign(document.createElement('dt'), {textContent: k}),
      Object.assign(document.createElement('dd'), {textContent: v})]));
    if (reason) list.append(Object.assign(document.createElement('dd'), {className: 'reason', textContent: reason}));
  }

  #reason(measures) {
    if (this.own) return LIMITED[measures?.qualityLimitationReason] ?? '';
    const {measured} = this;
    return measured?.kind === 'video' && measured.quality ? why(measured.quality, this.video.videoHeight) : '';
  }

  // What is wrong with the way, in words.
  #troubles({loss = 0} = {}, rtt = 0) {
    return [loss > LOSS.fair && `${number(loss * 100)} % is lost on the way`, rtt > TRIP.fair && `there and back takes ${number(rtt)} ms`];
  }

  #level(measures, rtt = 0) {
    if (!measures) return 0;
    const {loss = 0} = measures;
    if (loss > LOSS.poor || rtt > TRIP.poor) return 1;
    const held = this.own ? measures.qualityLimitationReason === 'bandwidth' : this.measured?.quality?.cause === 'subscriber_bandwidth';
    return loss > LOSS.fair || rtt > TRIP.fair || held ? 2 : 3;
  }

  remove() {
    this.track?.detach(this.video);
    this.element.remove();
  }
}
