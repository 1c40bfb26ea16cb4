// A peer of the room: another one, or oneself.

import {Emitter} from './emitter.js';
import {RemoteTrack} from './tracks.js';

// Events: 'updated', 'speaking' (level in dBov, or null: silent), 'left' (reason).
export class Peer extends Emitter {
  tracks = new Map(); // by id
  level = null; // how loud it is, in dBov, while it speaks

  constructor(room, info) {
    super();
    this.room = room;
    this.id = info.peer;
    this.update(info);
  }

  update({name, role, metadata}) {
    Object.assign(this, {name, role, metadata});
  }

  // The first of its tracks that is a 'camera', a 'microphone', a 'screen', ...
  track(source) {
    return [...this.tracks.values()].find(t => t.source === source) ?? null;
  }

  get speaking() {
    return this.level !== null;
  }

  // ---- for hosts

  remove(reason) {
    return this.room.ask('remove', {peer: this.id, ...(reason ? {reason} : {})});
  }

  setRole(role) {
    return this.room.ask('role', {peer: this.id, role});
  }

  // ---- for the room

  hears(level) {
    if (level === this.level) return;
    this.level = level;
    this.emit('speaking', level);
  }

  // What is there now: {started, updated, ended} tracks.
  reconcile(infos) {
    const now = new Set(infos.map(i => i.track)), ended = [...this.tracks.values()].filter(t => !now.has(t.id));
    for (const t of ended) this.tracks.delete(t.id);
    const started = [], updated = [];
    for (const info of infos) {
      const known = this.tracks.get(info.track);
      if (known && Object.entries(known.info).some(([k, v]) => info[k] !== v)) {
        known.update(info);
        updated.push(known);
      } else if (!known) {
        const track = new RemoteTrack(this.room, this, info);
        this.tracks.set(track.id, track);
        started.push(track);
      }
    }
    return {started, updated, ended};
  }
}
