// Before the call: how one looks and sounds, under what name, with which devices.

import {devices} from '/sdk/index.js';
import {Choices} from './choices.js';
import {$, kept, press, toast} from '/page.js';

const PATIENCE = 5000; // ms for devices that are still being opened when one joins

export class Lobby {
  #media = {camera: null, microphone: null}; // MediaStreamTracks
  #opening = {}; // what: a promise; devices take their time
  #join;
  #choices = null;
  #level = null;

  // room, name: to begin with. fixed: the token names the room.
  constructor({room, fixed, name, join}) {
    this.#join = join;
    $('room').value = room;
    $('room-label').hidden = fixed;
    $('name').value = name;
    $('lobby-camera').onclick = () => this.#toggle('camera');
    $('lobby-mic').onclick = () => this.#toggle('microphone');
    $('join-form').onsubmit = e => {
      e.preventDefault();
      this.#submit();
    };
  }

  open() {
    $('lobby').hidden = false;
    this.#busy(false);
    this.#choices = new Choices({camera: $('camera-choice'), microphone: $('mic-choice'), speaker: $('speaker-choice')},
      what => this.#media[what] && this.#start(what));
    this.#choices.fill();
    this.#show();
    // Who allowed it once is seen at once; who never did is asked by a click.
    for (const what of ['camera', 'microphone'])
      navigator.permissions?.query({name: what}).then(p => p.state === 'granted' && kept.get(`${what}-off`) !== '1' &&
        !$('lobby').hidden && !this.#media[what] && this.#start(what), () => {});
  }

  refuse(words) {
    $('join-error').hidden = !words;
    $('join-error').textContent = words ?? '';
  }

  #busy(is) {
    for (const id of ['join', 'lobby-camera', 'lobby-mic']) $(id).disabled = is;
  }

  askToken() {
    $('token-label').hidden = false;
    $('token').focus();
  }

  async #submit() {
    this.refuse(null);
    this.#busy(true);
    await Promise.race([Promise.all(Object.values(this.#opening)), new Promise(r => setTimeout(r, PATIENCE))]);
    const choice = {room: $('room').value.trim(), name: $('name').value.trim(), words: $('words').value,
      token: $('token-label').hidden ? '' : $('token').value.trim(),
      camera: this.#media.camera, microphone: this.#media.microphone};
    await this.#join(choice);
    this.#busy(false);
    if (!document.body.classList.contains('joined')) return;
    for (const [what, media] of Object.entries(this.#media)) if (media !== choice[what]) media?.stop();
    this.#media = {camera: null, microphone: null}; // they are the call's now
    this.#listen(null);
    this.#choices.close();
    $('preview').srcObject = null;
    $('lobby').hidden = true;
  }

  async #toggle(what) {
    const button = what === 'camera' ? $('lobby-camera') : $('lobby-mic');
    button.disabled = true;
    kept.set(`${what}-off`, this.#media[what] ? '1' : '');
    if (this.#media[what]) {
      this.#media[what].stop();
      this.#media[what] = null;
    } else await this.#start(what);
    button.disabled = false;
    this.#show();
  }

  #start(what) {
    return this.#opening[what] = this.#acquire(what);
  }

  async #acquire(what) {
    try {
      const track = await devices[what]({deviceId: Choices.chosen(what)});
      if ($('lobby').hidden) return track.stop(); // it came too late
      this.#media[what]?.stop();
      this.#media[what] = track;
      track.addEventListener('ended', () => {
        if (this.#media[what] !== track) return;
        this.#media[what] = null;
        this.#show();
      });
      this.#choices.fill(); // which have names now
    } catch (error) {
      toast(error.message);
    }
    this.#show();
  }

  #show() {
    const {camera, microphone} = this.#media;
    press($('lobby-camera'), camera);
    press($('lobby-mic'), microphone);
    $('lobby-camera').firstElementChild.firstElementChild.setAttribute('href', camera ? '#i-camera' : '#i-camera-off');
    $('lobby-mic').firstElementChild.firstElementChild.setAttribute('href', microphone ? '#i-mic' : '#i-mic-off');
    $('preview-off').hidden = !!camera;
    if ($('preview').srcObject?.getVideoTracks()[0] !== camera) $('preview').srcObject = camera && new MediaStream([camera]);
    this.#listen(microphone);
  }

  // A bar that moves with the voice says more than the word "works".
  #listen(track) {
    if (this.#level?.track === track) return;
    cancelAnimationFrame(this.#level?.frame);
    this.#level?.context.close();
    this.#level = null;
    const bar = $('meter').firstElementChild;
    bar.style.height = '0';
    if (!track) return;
    const context = new AudioContext(), analyser = context.createAnalyser(), bins = new Float32Array(analyser.fftSize);
    context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
    const level = this.#level = {track, context, frame: 0};
    const look = () => {
      analyser.getFloatTimeDomainData(bins);
      const rms = Math.sqrt(bins.reduce((n, v) => n + v * v, 0) / bins.length);
      bar.style.height = `${Math.min(100, Math.max(0, 100 + 20 * Math.log10(rms + 1e-6) * 1.8))}%`;
      level.frame = requestAnimationFrame(look);
    };
    look();
  }
}
