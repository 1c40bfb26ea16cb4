// The streams page: what is published by WHIP in a room, on the screen, and this device into the room.

import {devices} from '/sdk/index.js';
import {$, kept, press, session, toast} from './page.js';
import {Publisher, simulcast} from './whip.js';
import {Room} from './room.js';
import {ask} from './session.js';
import './theme.js';
import {Tile} from './tile.js';
import {claims, takeAddress, takeToken} from './token.js';
import {Viewer} from './whep.js';

// ---- name, messages --------------------------------------------------------------------

const slug = text => text.normalize('NFKD').replace(/[^\w.-]+/g, '-').replace(/^[-.]+|-+$/g, '').slice(0, 40);

const stored = {
  get name() {
    if (!session.get('name')) session.set('name', kept.get('name') || `guest-${Math.random().toString(36).slice(2, 6)}`);
    return session.get('name');
  },
  set name(v) { for (const memory of [session, kept]) memory.set('name', v); },
};

const EXPLAINED = {
  401: 'The token is not valid, or has expired. Ask for a new link.',
  403: 'Your token does not allow this in this room.',
  409: 'Somebody is already live under your name. Choose another one in the settings.',
};
const explain = error => EXPLAINED[error.status] ?? error.message;

// ---- the page ---------------------------------------------------------------------------

class Page {
  #token;
  #roomName;
  #room;
  #viewers = new Map(); // name: {session, tile}
  #me = null; // {publisher, tile, tracks, preview}: camera and microphone
  #screen = null;

  constructor(token, room) {
    this.#token = token;
    this.#roomName = room;
    for (const id of ['room', 'invite', 'settings', 'dock', 'status']) $(id).hidden = false;
    $('room').textContent = room;
    document.title = `${room} · Sluice`;
    $('invite').onclick = () => this.#invite();
    $('mic').onclick = $('camera').onclick = e => this.#toggle(e.currentTarget.id === 'mic' ? 'audio' : 'video');
    $('start-camera').onclick = () => this.#toggle('video');
    $('screen').onclick = $('start-screen').onclick = () => this.#toggleScreen();
    $('leave').onclick = () => Promise.all([this.#stop('me'), this.#stop('screen')]);
    $('settings').onclick = () => this.#settings();
    addEventListener('pagehide', () => this.#all().forEach(s => s.stop({keepalive: true})));
    this.#room = new Room({name: room, token});
    this.#room.addEventListener('streams', e => this.#show(e.detail));
    this.#room.addEventListener('trouble', e => this.#trouble(e.detail));
    this.#room.start();
    setInterval(() => this.#tiles().forEach(t => t.update()), 1000);
    this.#refresh();
  }

  #all = () => [this.#me?.publisher, this.#screen?.publisher,
    ...[...this.#viewers.values()].map(v => v.session)].filter(Boolean);
  #tiles = () => [this.#me?.tile, this.#screen?.tile,
    ...[...this.#viewers.values()].map(v => v.tile)].filter(Boolean);
  #url = (protocol, name) => `/${protocol}/${encodeURIComponent(this.#roomName)}/${encodeURIComponent(name)}`;

  // -- what others publish

  #show(streams) {
    const own = new Set([this.#me?.name, this.#screen?.name]);
    const live = new Set(streams.map(s => s.name).filter(name => !own.has(name)));
    for (const name of this.#viewers.keys()) if (!live.has(name)) this.#unwatch(name);
    for (const name of [...live].sort()) if (!this.#viewers.has(name)) this.#watch(name);
    this.#refresh();
  }

  #watch(name) {
    const session = new Viewer({url: this.#url('whep', name), token: this.#token});
    const tile = new Tile({name, session, stream: session.stream});
    this.#viewers.set(name, {session, tile});
    $('grid').append(tile.element);
    session.addEventListener('state', ({detail: {state, error}}) => {
      if (state !== 'ended' || !error || !this.#viewers.has(name)) return;
      if (error.status !== 404) toast(`${name}: ${explain(error)}`);
      else this.#unwatch(name); // it ended between two looks; the next one brings it back if not
    });
    session.start();
  }

  #unwatch(name) {
    const {session, tile} = this.#viewers.get(name);
    this.#viewers.delete(name);
    session.stop();
    tile.remove();
    this.#refresh();
  }

  #trouble(error) {
    $('status').classList.toggle('trouble', !!error);
    this.#refresh();
    if (!error) return;
    $('status').lastElementChild.textContent = error.status ? explain(error) : 'Server unreachable, trying again…';
    if (error.status === 401) enter(explain(error));
  }

  // -- what this page publishes

  // Camera and microphone are one stream, so that picture and sound stay together; each may
  // come and go without a new negotiation.
  async #toggle(kind) {
    const button = kind === 'audio' ? $('mic') : $('camera');
    button.disabled = true;
    try {
      const had = this.#me?.tracks[kind];
      if (had) {
        had.stop();
        await this.#set(kind, null);
      } else {
        const track = kind === 'audio' ? await devices.microphone({deviceId: kept.get('mic')}) :
          await devices.camera({deviceId: kept.get('camera')});
        track.addEventListener('ended', () => this.#me?.tracks[kind] === track && this.#set(kind, null));
        await this.#set(kind, track);
      }
    } catch (error) {
      toast(explain(error));
    }
    button.disabled = false;
    this.#refresh();
  }

  async #set(kind, track) {
    if (!this.#me) {
      const tracks = {audio: null, video: null, [kind]: track};
      this.#me = this.#publish(stored.name, tracks, {mirror: true,
        encodings: kept.get('simulcast') ? simulcast(tracks.video?.getSettings()) : undefined});
      return;
    }
    this.#me.tracks[kind] = track;
    this.#preview(this.#me);
    await this.#me.publisher.replace(kind, track);
    if (!this.#me.tracks.audio && !this.#me.tracks.video) await this.#stop('me');
    this.#refresh();
  }

  async #toggleScreen() {
    if (this.#screen) return this.#stop('screen');
    try {
      const tracks = await devices.screen({fps: 30});
      tracks.video.addEventListener('ended', () => this.#stop('screen'));
      this.#screen = this.#publish(`${stored.name}~screen`, tracks, {});
    } catch (error) {
      if (error.code !== 'cancelled') toast(explain(error));
    }
    this.#refresh();
  }

  #publish(name, tracks, {mirror, encodings}) {
    const publisher = new Publisher({url: this.#url('whip', name), token: this.#token,
      ...tracks, encodings, codec: kept.get('codec') || undefined});
    const preview = new MediaStream();
    const tile = new Tile({name, session: publisher, stream: preview, own: true, mirror});
    const it = {name, publisher, tile, tracks, preview};
    this.#preview(it);
    $('grid').prepend(tile.element);
    publisher.addEventListener('state', ({detail: {state, error}}) => {
      if (state !== 'ended' || !error) return;
      toast(explain(error));
      this.#stop(this.#me === it ? 'me' : 'screen');
    });
    publisher.start().then(() => this.#room.refresh());
    return it;
  }

  #preview({preview, tracks, tile}) {
    for (const t of preview.getTracks()) preview.removeTrack(t);
    if (tracks.video) preview.addTrack(tracks.video);
    tile.show(preview);
  }

  async #stop(which) {
    const it = which === 'me' ? this.#me : this.#screen;
    if (!it) return;
    if (which === 'me') this.#me = null;
    else this.#screen = null;
    for (const t of Object.values(it.tracks)) t?.stop();
    it.tile.remove();
    this.#refresh();
    await it.publisher.stop();
  }

  // -- buttons, settings

  #refresh() {
    press($('mic'), this.#me?.tracks.audio);
    press($('camera'), this.#me?.tracks.video);
    press($('screen'), this.#screen);
    $('leave').hidden = !this.#me && !this.#screen;
    const n = this.#tiles().length;
    $('empty').hidden = n > 0;
    if (!$('status').classList.contains('trouble'))
      $('status').lastElementChild.textContent = n ? `${n} live` : 'Connected';
  }

  async #invite() {
    const room = `room=${encodeURIComponent(this.#roomName)}`;
    const link = `${location.origin}/streams#${this.#token ? `token=${this.#token}&` : ''}${room}`;
    try {
      await navigator.clipboard.writeText(link);
      toast(`Invite link copied.${this.#token ? ' It holds your token: share it with people you trust.' : ''}`, 'info');
    } catch {
      prompt('Invite link:', link);
    }
  }

  async #settings() {
    const fill = async (select, what, chosen) => {
      const options = (await devices.list(what)).map(d => new Option(d.label, d.id, false, d.id === chosen));
      select.replaceChildren(new Option('Default', ''), ...options);
    };
    await Promise.all([fill($('o-camera'), 'camera', kept.get('camera')),
      fill($('o-mic'), 'microphone', kept.get('mic'))]);
    $('o-name').value = stored.name;
    $('o-codec').value = kept.get('codec');
    $('o-simulcast').checked = !!kept.get('simulcast');
    $('options').onclose = () => this.#chosen();
    $('options').showModal();
  }

  async #chosen() {
    stored.name = slug($('o-name').value) || stored.name;
    kept.set('codec', $('o-codec').value);
    kept.set('simulcast', $('o-simulcast').checked ? '1' : '');
    for (const [key, kind] of [['mic', 'audio'], ['camera', 'video']]) {
      const before = kept.get(key);
      kept.set(key, $(`o-${key}`).value);
      if (before === kept.get(key) || !this.#me?.tracks[kind]) continue;
      await this.#toggle(kind); // off, and on again with the other device
      await this.#toggle(kind);
    }
  }
}

// ---- start ------------------------------------------------------------------------------

// Without a usable token there is nothing to show but the way to one.
function enter(problem) {
  session.set('token', '');
  for (const id of ['room', 'invite', 'settings', 'dock', 'status', 'empty', 'grid']) $(id).hidden = true;
  $('no-token').hidden = false;
  $('token-error').hidden = !problem;
  $('token-error').textContent = problem ?? '';
}

$('token-form').onsubmit = e => {
  e.preventDefault();
  takeToken($('token-text').value.trim());
  if (claims(session.get('token'))) location.reload();
  else enter('That is not a token.');
};

takeAddress();
const token = session.get('token');
const said = token && claims(token);
const only = typeof said?.room === 'string' && !said.room.includes('*') ? said.room : 'demo';
const room = session.get('room') || only;
// A server may be set up to ask for no tokens.
const open = !token && await ask(`/rooms/${encodeURIComponent(room)}/streams`).then(() => true, () => false);
if (said || open) new Page(token, room);
else enter(token && 'That is not a token.');
