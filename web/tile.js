// One stream on the page: its picture, its state, and a row of numbers with their charts.

import {Meter} from './stats.js';
import {Sparkline} from './sparkline.js';
import {why} from './why.js';

const number = (v, digits = 0) => v === undefined ? '–' : v.toFixed(digits);
const CHARTS = [
  {key: 'height', name: 'Resolution', text: r => r.width ? `${r.width}×${r.height}` : '–', floor: 720},
  {key: 'fps', name: 'Frames/s', text: r => number(r.fps), floor: 30},
  {key: 'bps', name: r => r >= 1e6 ? 'Mbit/s' : 'kbit/s', floor: 100_000,
    text: r => r.bps >= 1e6 ? number(r.bps / 1e6, 2) : number(r.bps === undefined ? undefined : r.bps / 1e3)},
  {key: 'loss', name: 'Loss', text: r => r.loss === undefined ? '–' : `${number(r.loss * 100, r.loss < 0.1 ? 1 : 0)} %`, floor: 0.05},
  {key: 'rtt', name: 'Round trip', floor: 0.02, // which browsers tell in whole milliseconds
    text: r => r.rtt === undefined ? '–' : r.rtt < 0.001 ? '< 1 ms' : `${number(r.rtt * 1000)} ms`},
];
const NOTES = {
  idle: '', live: '',
  connecting: 'Connecting…',
  repairing: 'Connection broken, repairing…',
  waiting: 'Reconnecting…',
  ended: 'Ended',
};
const SETTLED = 300; // ms after which a new size is told to the server

export class Tile {
  element = document.getElementById('tile').content.firstElementChild.cloneNode(true);
  #session;
  #meter = new Meter();
  #cells = [];
  #video;
  #state = 'idle';
  #own;
  #sized = 0; // the timer of that
  #odd = false; // every other update asks the server, too
  #observer = new ResizeObserver(() => this.#resized());

  // session: a Publisher or Viewer. own: a preview of what this page sends: silent, and a
  // camera mirrored. stream: what to show.
  constructor({name, session, stream, own = false, mirror = false}) {
    this.#session = session;
    this.#own = own;
    const at = this.#at;
    this.element.dataset.stream = name;
    this.element.dataset.state = 'idle';
    this.element.classList.toggle('own', own);
    this.element.classList.toggle('mirror', mirror);
    const [person, what] = name.split('~');
    at('.name').textContent = person + (what ? ` · ${what}` : '') + (own ? ' (you)' : '');
    at('.avatar').textContent = [...person][0]?.toUpperCase() ?? '?';
    at('.avatar').style.setProperty('--hue', hue(person));
    this.#video = at('video');
    this.#video.muted = own;
    at('.sound').hidden = own;
    at('.sound').addEventListener('click', () => this.#mute(!this.#video.muted));
    at('.full').addEventListener('click', () => document.fullscreenElement ?
      document.exitFullscreen() : at('.screen').requestFullscreen());
    for (const chart of CHARTS) this.#cells.push(cell(chart, at('.stats')));
    this.show(stream);
    session.addEventListener('state', e => this.#enter(e.detail));
    this.#enter({state: session.state});
    if (!own) this.#observer.observe(at('.screen'));
  }

  #at = selector => this.element.querySelector(selector);

  show(stream) {
    this.#video.srcObject = stream;
    // Sound may not begin before the person did something on the page; a picture may.
    this.#video.play().catch(error => {
      if (error.name !== 'NotAllowedError') return;
      this.#mute(true);
      this.#video.play().catch(() => {});
    });
  }

  #mute(muted) {
    this.#video.muted = muted;
    this.#at('.sound').classList.toggle('off', muted);
    this.#at('.sound').title = muted ? 'Turn sound on' : 'Turn sound off';
  }

  #enter({state, error}) {
    this.#state = state;
    this.element.dataset.state = state;
    this.#at('.note').textContent = error && state !== 'live' ? error.message : NOTES[state];
    if (state === 'live') this.#resized();
    else this.#at('.why').hidden = true;
  }

  // More than fills the place would only cost bandwidth, here and at the publisher.
  #resized() {
    clearTimeout(this.#sized);
    if (this.#own || this.#state !== 'live') return;
    this.#sized = setTimeout(() => {
      const {clientWidth, clientHeight} = this.#at('.screen');
      const pixels = n => Math.min(65535, Math.ceil(n * devicePixelRatio));
      if (clientHeight) this.#session.wish({maxWidth: pixels(clientWidth), maxHeight: pixels(clientHeight)}).catch(() => {});
    }, SETTLED);
  }

  async #explain() {
    this.#odd = !this.#odd;
    if (this.#own || this.#odd || this.#state !== 'live') return;
    const tracks = await this.#session.tracks().catch(() => []);
    const line = this.#at('.why'), picture = tracks.find(t => t.kind === 'video');
    line.textContent = this.#state === 'live' ? why(picture, this.#video.videoHeight) : '';
    line.hidden = !line.textContent;
  }

  async update() {
    const r = await this.#meter.read(this.#session.pc).catch(() => ({}));
    const codec = this.#at('.codec');
    codec.hidden = !r.codec;
    codec.textContent = r.codec ?? '';
    this.element.classList.toggle('speaking', r.level > 0.02);
    const picture = this.#video.srcObject?.getVideoTracks().some(t => t.readyState === 'live');
    this.element.classList.toggle('dark', !picture || !this.#video.videoWidth);
    for (const {chart, value, name, line} of this.#cells) {
      value.textContent = chart.text(r);
      if (typeof chart.name === 'function') name.textContent = chart.name(r[chart.key]);
      line.push(r[chart.key]);
    }
    await this.#explain();
  }

  remove() {
    clearTimeout(this.#sized);
    this.#observer.disconnect();
    this.#video.srcObject = null;
    this.element.remove();
  }
}

function cell(chart, into) {
  const make = (tag, className) => Object.assign(document.createElement(tag), {className});
  const box = make('div', `cell ${chart.key}`), name = make('dt', ''), value = make('dd', '');
  const canvas = make('canvas', '');
  name.textContent = typeof chart.name === 'function' ? chart.name(0) : chart.name;
  value.textContent = '–';
  box.append(name, value, canvas);
  into.append(box);
  return {chart, name, value, line: new Sparkline(canvas, {floor: chart.floor})};
}

// The same colour for the same name, on every page.
function hue(name) {
  let h = 7;
  for (const c of name) h = (h * 31 + c.codePointAt(0)) % 360;
  return h;
}
