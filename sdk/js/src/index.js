// The rooms of Sluice in a browser: join, publish, watch, talk. README.md has a conference in ten
// minutes; index.d.ts has all there is.

export * as devices from './devices.js';
export {Encryption} from './e2ee/encryption.js';
export {DeviceError, RoomError} from './errors.js';
export {Room} from './room.js';
export {LocalTrack, RemoteTrack} from './tracks.js';
export {Peer} from './peers.js';

import {Room} from './room.js';

// A room that is joined; throws a RoomError where that is refused.
export async function connect(options) {
  const room = new Room(options);
  return room.connect();
}
