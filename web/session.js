// What WHIP (RFC 9725) and WHEP clients share: one offer by POST, candidates and ICE restarts
// by PATCH, the end by DELETE, and coming back after the network or the server went away.
//
//   const s = new Publisher({url, token, ...});   // whip.js; or Viewer of whep.js
//   s.addEventListener('state', e => ...);        // e.detail: {state, error}
//   await s.start();                              // ... await s.stop();
//
// States: idle, connecting, live, repairing (the path broke; ICE restart), waiting (the server
// did not answer; it is asked again), ended (stopped, or refused: see error).

import {fragment, iceServers, restarted} from './sdp.js';

const PATIENCE = 2500; // ms of a broken path before it is restarted: most heal by themselves
const REPAIR = 6000; // ms for a restart to succeed before all is begun anew
const RETRY = [500, 1000, 2000, 4000, 8000]; // ms before each further attempt; the last for ever
const FAREWELL = 1000; // ms to wait for the answer to DELETE
const TRICKLE = 40; // ms in which candidates are gathered into one PATCH

// A refusal by the server. code: stable, machine-readable, where the server names one.
export class Refused extends Error {
  constructor(status, {title, detail, code} = {}, retryAfter) {
    super(detail || title || `The server answered ${status}.`);
    Object.assign(this, {name: 'Refused', status, code, retryAfter});
  }
  // Asking again in the same way would be refused again.
  get final() {
    return this.status >= 400 && this.status < 500 && this.status !== 408 && this.status !== 429;
  }
}

// fetch that throws Refused for a refusal, and a plain Error when nobody answers.
export async function ask(url, {token, ...init} = {}) {
  const headers = {...init.headers, ...(token ? {authorization: `Bearer ${token}`} : {})};
  let response;
  try {
    response = await fetch(url, {...init, headers, cache: 'no-store'});
  } catch {
    throw Object.assign(new Error('The server cannot be reached.'), {name: 'Unreachable'});
  }
  if (response.ok) return response;
  const problem = /json/.test(response.headers.get('content-type') ?? '') ?
    await response.json().catch(() => ({})) : {};
  throw new Refused(response.status, problem, Number(response.headers.get('retry-after')) || undefined);
}

export class Session extends EventTarget {
  state = 'idle';
  pc = null;
  links = null; // the Link header that the session was made with, and the URL that it is meant at
  #options;
  #resource = null; // the session's URL
  #etag = null;
  #answer = '';
  #pending = []; // candidates not yet sent
  #gathered = false;
  #chain = Promise.resolve(); // PATCHes go one after the other
  #timer = 0;
  #attempt = 0;
  #stood = false; // this connection was live once

  constructor(options) {
    super();
    this.#options = options;
  }

  // Adds what is sent or wanted to a fresh connection. For subclasses.
  prepare(_pc) {}

  async start() {
    if (this.state !== 'idle' && this.state !== 'ended') return;
    this.#attempt = 0;
    await this.#connect();
  }

  // keepalive: the page is going away, and the request must outlive it.
  async stop({keepalive = false} = {}) {
    if (this.state === 'ended') return;
    this.#enter('ended');
    await this.#drop(keepalive);
  }

  #enter(state, error) {
    clearTimeout(this.#timer);
    this.state = state;
    this.dispatchEvent(new CustomEvent('state', {detail: {state, error}}));
  }

  async #connect() {
    this.#enter('connecting');
    const pc = this.pc = new RTCPeerConnection({bundlePolicy: 'max-bundle', ...this.#options.rtc});
    const current = () => this.pc === pc && this.state !== 'ended';
    this.#pending = [];
    this.#gathered = this.#stood = false;
    pc.addEventListener('icecandidate', e => current() && this.#candidate(e.candidate));
    pc.addEventListener('connectionstatechange', () => current() && this.#changed());
    try {
      this.prepare(pc);
      await pc.setLocalDescription();
      const response = await ask(this.#options.url, {
        method: 'POST', token: this.#options.token, body: pc.localDescription.sdp,
        headers: {'content-type': 'application/sdp', accept: 'application/sdp'},
      });
      const resource = new URL(response.headers.get('location') ?? '', response.url).href;
      const answer = await response.text();
      if (!current()) { // stopped meanwhile: nobody else knows of this session
        ask(resource, {method: 'DELETE', token: this.#options.token, keepalive: true}).catch(() => {});
        return;
      }
      this.#resource = resource;
      this.#etag = response.headers.get('etag');
      this.#answer = answer;
      this.links = {header: response.headers.get('link'), base: response.url};
      const servers = iceServers(this.links.header);
      if (servers.length) pc.setConfiguration({...pc.getConfiguration(), iceServers: servers});
      await pc.setRemoteDescription({type: 'answer', sdp: answer});
      this.#flush();
      this.#timer = setTimeout(() => current() && this.#again(new Error(
        'Media does not get through: the server cannot be reached by UDP.')), 15000);
      this.#changed();
    } catch (error) {
      if (current()) await this.#again(error);
    }
  }

  #changed() {
    switch (this.pc.connectionState) {
      case 'connected':
        this.#attempt = 0;
        this.#stood = true;
        if (this.state !== 'live') this.#enter('live');
        clearTimeout(this.#timer);
        break;
      case 'disconnected':
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => this.restart(), PATIENCE);
        break;
      case 'failed':
        if (this.#stood && this.state !== 'repairing') this.restart();
        else this.#again(new Error(this.#stood ? 'The connection was lost.' : 'The connection failed.'));
        break;
    }
  }

  // An ICE restart: media goes on over the old path, where there still is one, until the new
  // one is found. Called on a broken path, or by whoever knows that the network changed.
  async restart() {
    const pc = this.pc;
    if (!this.#resource || this.state === 'ended' || this.state === 'repairing') return;
    this.#enter('repairing');
    this.#timer = setTimeout(() => this.pc === pc && this.state === 'repairing' &&
      this.#again(new Error('The connection was lost.')), REPAIR);
    try {
      this.#pending = [];
      this.#gathered = false;
      const offer = await pc.createOffer({iceRestart: true});
      await pc.setLocalDescription(offer);
      const response = await this.#patch(fragment(offer.sdp, [], false), '*');
      if (this.pc !== pc || this.state === 'ended') return;
      this.#etag = response.headers.get('etag') ?? this.#etag;
      this.#answer = restarted(this.#answer, await response.text());
      await pc.setRemoteDescription({type: 'answer', sdp: this.#answer});
      this.#flush();
      this.#changed(); // a healthy path stays "connected", so no event would end the repair
    } catch (error) {
      if (this.pc === pc && this.state !== 'ended') await this.#again(error, true);
    }
  }

  // Begins anew after a while, unless the refusal is final. lost: the session may have ended
  // on the server only, so a 404 means "make another one".
  async #again(error, lost = false) {
    const gone = lost && error instanceof Refused;
    if (error instanceof Refused && error.final && !gone) {
      this.#enter('ended', error);
      await this.#drop();
      return;
    }
    const wait = error.retryAfter ? error.retryAfter * 1000 :
      RETRY[Math.min(this.#attempt, RETRY.length - 1)];
    this.#attempt++;
    this.#enter('waiting', error);
    this.#timer = setTimeout(() => this.state === 'waiting' && this.#connect(), gone ? 0 : wait);
    await this.#drop();
  }

  // The DELETE goes first: a connection that closes says so to the server too, and then there
  // would be nothing left to delete. A server that does not answer is not waited for.
  async #drop(keepalive = false) {
    const {pc} = this, resource = this.#resource;
    this.pc = this.links = this.#resource = this.#etag = null;
    if (resource) {
      const deleted = ask(resource, {method: 'DELETE', token: this.#options.token, keepalive}).catch(() => {});
      if (!keepalive) await Promise.race([deleted, new Promise(r => setTimeout(r, FAREWELL))]);
    }
    pc?.close();
  }

  #candidate(candidate) {
    if (candidate?.candidate) this.#pending.push(candidate);
    else this.#gathered = true;
    if (this.#resource) setTimeout(() => this.#flush(), TRICKLE);
  }

  // Sends the candidates there are. Once the path stands they are of no use to anyone.
  #flush() {
    if (!this.#resource || !this.pc || this.pc.connectionState === 'connected') return;
    if (!this.#pending.length && !this.#gathered) return;
    const candidates = this.#pending.splice(0);
    const done = this.#gathered;
    this.#gathered = false;
    const etag = this.#etag;
    this.#chain = this.#chain.then(() => this.#patch(
      fragment(this.pc.localDescription.sdp, candidates, done), etag)).catch(() => {
      // Refused or lost: the server may still learn the address from the checks themselves,
      // and if not, the connection fails and says so.
    });
  }

  #patch(body, etag) {
    return ask(this.#resource, {
      method: 'PATCH', token: this.#options.token, body,
      headers: {'content-type': 'application/trickle-ice-sdpfrag', ...(etag ? {'if-match': etag} : {})},
    });
  }
}
