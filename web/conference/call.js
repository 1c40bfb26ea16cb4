// The call: a room of the SDK, put on the page.

import {devices, Encryption, Room} from '/sdk/index.js';
import {Choices} from './choices.js';
import {$, notes, press, session, toast} from '/page.js';
import {Side} from './side.js';
import {Stage} from './stage.js';

// The device that is chosen by then.
const opens = what => () => devices[what]({deviceId: Choices.chosen(what)});
const failed = error => error.code === 'cancelled' || toast(error.message);

export class Call {
  #room;
  #stage;
  #side;
  #ended;
  #microphone = null;
  #camera = null;
  #screen = []; // the picture, and its sound
  #overlay = false;
  #timer = 0;
  #choices;
  #e2ee;
  #words; // that it is made of, and of the room's name
  #hands = new Set(); // peers whose hands are up
  #keys = e => this.#key(e);

  // camera, microphone: MediaStreamTracks of the lobby, or null. words: for encryption.
  static async begin({room: name, name: who, token, words, camera, microphone, ended}) {
    const e2ee = words ? new Encryption() : undefined;
    await e2ee?.setPassphrase(words, {salt: name});
    const room = new Room({room: name, token, name: who, e2ee, metadata: '{}'});
    const call = new Call(room, {ended, e2ee, words});
    try {
      await room.connect();
    } catch (error) {
      call.#hide();
      throw error;
    }
    call.#show();
    await call.#publish(microphone, camera);
  }

  constructor(room, {ended, e2ee, words}) {
    this.#room = room;
    this.#ended = ended;
    this.#e2ee = e2ee;
    this.#words = words;
    const refresh = () => this.#refresh();
    for (const event of ['peerUpdated', 'trackStarted', 'trackUpdated', 'trackEnded', 'meUpdated', 'roomUpdated', 'viewers'])
      room.on(event, refresh);
    room.on('trackStarted', track => {
      track.on('media', refresh);
      track.on('readable', refresh);
    });
    room.on('peerJoined', peer => this.#came(peer, 'joined'));
    room.on('peerLeft', (peer, reason) => this.#came(peer, reason === 'removed' ? 'was removed' : 'left'));
    room.on('speakers', (speakers, speaker) => this.#stage?.speaking(speakers, speaker));
    room.on('data', (data, from) => typeof data === 'string' && this.#side?.hear(data, from));
    room.on('audioBlocked', () => $('unblock').hidden = false);
    room.on('trouble', failed);
    room.on('moved', () => this.#moved().catch(failed));
    room.on('state', (state, error) => this.#state(state, error));
  }

  #show() {
    const room = this.#room;
    this.#stage = new Stage($('stage'), room, {
      mute: seat => seat.peer.track('microphone')?.mute().catch(failed),
      remove: seat => confirm(`Remove ${seat.peer.name || 'this person'} from the room?`) && seat.peer.remove().catch(failed),
      more: () => {
        this.#side.toggle('people');
        $('tab-people').focus();
      },
      numbers: () => this.#stats(),
    });
    this.#side = new Side(room, failed);
    for (const id of ['call', 'dock', 'tools', 'room-name', 'status']) $(id).hidden = false;
    this.#named();
    $('sealed').hidden = !this.#e2ee;
    $('mic').onclick = () => this.#toggle('microphone');
    $('camera').onclick = () => this.#toggle('camera');
    $('screen').onclick = () => this.#share();
    $('hand').onclick = () => this.#raise();
    $('leave').onclick = () => room.leave();
    $('invite').onclick = () => this.#invite();
    $('layout').onclick = () => this.#layout();
    $('stats').onclick = () => this.#stats();
    $('settings').onclick = () => $('options').showModal();
    $('unblock').onclick = () => {
      $('unblock').hidden = true;
      room.startAudio();
    };
    this.#choices = new Choices({camera: $('o-camera'), microphone: $('o-mic'), speaker: $('o-speaker')}, (what, id) => this.#device(what, id));
    this.#choices.fill();
    room.setSpeaker(Choices.chosen('speaker')).catch(() => {});
    addEventListener('keydown', this.#keys);
    this.#timer = setInterval(() => this.#stage.measure(this.#overlay).catch(() => {}), 1000);
    this.#refresh();
  }

  // One that is refused does not keep the other from being sent, and is let go of.
  async #publish(microphone, camera) {
    for (const [source, media] of Object.entries({microphone, camera})) if (media) try {
      if (!this.#room.can('publish')) media.stop();
      else this.#keep(source, await this.#room.publish(media, {source, acquire: opens(source)}));
    } catch (error) {
      media.stop();
      failed(error);
    }
    this.#refresh();
  }

  #named() {
    $('room-name').textContent = this.#room.name;
    document.title = `${this.#room.name} · Sluice`;
  }

  // By an operator. Who is there has the key of that room.
  async #moved() {
    const {name} = this.#room;
    session.set('room', name);
    this.#named();
    toast(`You were moved to the room ${name}.`, 'info');
    await this.#e2ee?.setPassphrase(this.#words, {salt: name});
  }

  #keep(what, track) {
    if (what === 'camera') this.#camera = track;
    else this.#microphone = track;
    track.on('ended', () => {
      this.#room.unpublish(track).catch(failed);
      if (what === 'camera') this.#camera = null;
      else this.#microphone = null;
      if (this.#room.can('publish')) toast(`The ${what} was disconnected.`);
      this.#refresh();
    });
    track.on('muted', by => {
      if (by !== null) toast(`Your ${what} was muted by ${this.#room.peers.get(by)?.name || 'a host'}.`, 'info');
      this.#refresh();
    });
    track.on('unmuted', () => this.#refresh());
    track.on('unmuteAsked', () => toast(`You are asked to turn your ${what} on again.`, 'info'));
  }

  // ---- buttons

  async #toggle(what) {
    const button = what === 'camera' ? $('camera') : $('mic'), track = what === 'camera' ? this.#camera : this.#microphone;
    button.disabled = true;
    try {
      if (track?.muted) await track.unmute();
      else if (track) await track.mute();
      else {
        const media = await opens(what)();
        try {
          this.#keep(what, await this.#room.publish(media, {source: what, acquire: opens(what)}));
        } catch (error) {
          media.stop();
          throw error;
        }
      }
    } catch (error) {
      failed(error);
    }
    button.disabled = false;
    this.#refresh();
  }

  async #share() {
    $('screen').disabled = true;
    try {
      if (this.#screen.length) await Promise.all(this.#screen.splice(0).map(t => this.#room.unpublish(t)));
      else {
        this.#screen = await this.#room.publishScreen();
        this.#screen[0].on('ended', () => {
          this.#screen = [];
          this.#refresh();
        });
      }
    } catch (error) {
      failed(error);
    }
    $('screen').disabled = false;
    this.#refresh();
  }

  #raise() {
    const {hand, ...rest} = notes(this.#room.me);
    this.#room.update({metadata: JSON.stringify(hand ? rest : {...rest, hand: Date.now()})}).catch(failed);
  }

  // One's own token stays here: who came by it would take one's place, or be a host as well.
  async #invite() {
    const link = `${location.origin}/#room=${encodeURIComponent(this.#room.name)}`;
    const needs = session.get('token') ? ' Who opens it needs a token of their own.' : '';
    try {
      await navigator.clipboard.writeText(link);
      toast(`Link copied.${needs}`, 'info');
    } catch {
      prompt(`Link to this room.${needs}`, link);
    }
  }

  #layout() {
    const layout = this.#stage.layout === 'grid' ? 'speaker' : 'grid';
    this.#stage.setLayout(layout);
    press($('layout'), layout === 'speaker');
  }

  #stats() {
    this.#overlay = !this.#overlay;
    press($('stats'), this.#overlay);
    this.#stage.measure(this.#overlay).catch(() => {});
  }

  async #device(what, id) {
    if (what === 'speaker') return this.#room.setSpeaker(id).catch(failed);
    const track = what === 'camera' ? this.#camera : this.#microphone;
    if (!track?.media) return; // opened when it is turned on
    try {
      const media = await devices[what]({deviceId: id});
      if (track.media) await track.replace(media);
      else media.stop(); // turned off meanwhile
    } catch (error) {
      failed(error);
    }
  }

  #key(e) {
    if ($('options').open) return;
    if (e.key === 'Escape') return this.#side.close();
    if (e.ctrlKey || e.metaKey || e.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test(e.target.tagName)) return;
    const id = {m: 'mic', v: 'camera', h: 'hand', c: 'chat-open', p: 'people-open', l: 'layout', s: 'stats'}[e.key.toLowerCase()];
    if (!id) return;
    e.preventDefault();
    $(id).click();
  }

  // ---- what the room says

  #came(peer, how) {
    if (this.#room.state === 'connected') this.#side?.event(`${peer.name || 'Somebody'} ${how}`);
    this.#refresh();
  }

  // Who cannot see a hand hears of it.
  #watchHands() {
    for (const peer of this.#room.peers.values()) {
      const up = !!notes(peer).hand;
      if (up === this.#hands.has(peer.id)) continue;
      this.#hands[up ? 'add' : 'delete'](peer.id);
      $('said').textContent = `${peer.name || 'Somebody'} ${up ? 'raises a hand' : 'lowers the hand'}`;
    }
  }

  #refresh() {
    if (!this.#stage || !this.#room.me) return;
    const may = this.#room.can('publish');
    for (const id of ['mic', 'camera', 'screen', 'hand']) $(id).hidden = !may;
    const on = {mic: this.#microphone && !this.#microphone.muted, camera: this.#camera && !this.#camera.muted};
    for (const [id, is] of Object.entries(on)) {
      press($(id), is);
      $(id).querySelector('use').setAttribute('href', is ? `#i-${id}` : `#i-${id}-off`);
    }
    press($('screen'), this.#screen.length);
    press($('hand'), notes(this.#room.me).hand);
    $('locked').hidden = !this.#room.locked;
    this.#watchHands();
    this.#stage.refresh();
    this.#side.refresh();
    if (this.#room.state === 'connected') this.#say(`${this.#room.peers.size + 1} here`);
  }

  #say(words, trouble = false) {
    $('status').classList.toggle('trouble', trouble);
    $('status').lastElementChild.textContent = words;
  }

  #state(state, error) {
    if (state === 'reconnecting') this.#say('Connection lost, coming back…', true);
    else if (state === 'connected') this.#refresh();
    else if (state === 'closed') {
      this.#hide();
      this.#ended(error);
    }
  }

  #hide() {
    clearInterval(this.#timer);
    removeEventListener('keydown', this.#keys);
    this.#choices?.close();
    this.#stage?.close();
    this.#e2ee?.close();
    $('options').close();
    for (const id of ['call', 'dock', 'tools', 'room-name', 'status', 'sealed', 'locked', 'unblock']) $(id).hidden = true;
  }
}
