// A program that uses all of the SDK, for the compiler alone.

import {connect, devices, DeviceError, Encryption, LocalTrack, Peer, RemoteTrack, Room, RoomError} from '@sluice/rooms';

export async function conference(people: HTMLElement): Promise<void> {
  const e2ee = new Encryption();
  await e2ee.setPassphrase('correct horse', {salt: 'standup'});
  await e2ee.setKey(new Uint8Array(32), {index: 1, use: false});
  await e2ee.ratchet();
  const room: Room = await connect({room: 'standup', token: async () => 'eyJ', name: 'Ada', metadata: '{}', connections: 1, e2ee});
  const off = room.on('trackStarted', (track: RemoteTrack, peer: Peer) => {
    people.append(track.attach());
    track.want({height: 360, priority: 2, paused: null});
    track.on('media', media => console.log(media?.id, peer.name));
    track.on('readable', readable => console.log(readable));
  });
  room.on('state', (state, error) => console.log(state === 'closed' ? error?.code : state));
  room.on('data', (data, from, {lossy}) => console.log(typeof data === 'string' ? data : data.byteLength, from?.name, lossy));
  room.on('speakers', (speakers, speaker) => console.log(speakers[0]?.level, speaker?.name));
  try {
    const camera: LocalTrack = await room.publishCamera({size: '720p', how: 'simulcast', codec: 'VP8', facing: 'user'});
    await camera.mute();
    await camera.unmute();
    await room.unpublish(camera);
    await room.publishMicrophone({processing: false});
    const [screen, sound] = await room.publishScreen({motion: true, audio: false});
    console.log(screen?.source, sound?.id);
  } catch (error) {
    if (error instanceof DeviceError && error.code === 'denied') console.log(error.message, error.what);
    if (error instanceof RoomError && error.passing) console.log(error.code);
  }
  for (const peer of room.peers.values()) {
    await room.send('hello', {to: [peer, 'p1'], lossy: true});
    await peer.track('camera')?.subscribe(false);
    await peer.setRole('viewer');
    await peer.remove('noise');
  }
  const {send, tracks} = await room.stats();
  for (const [track, {bps, encodings}] of tracks) console.log(track.kind, bps, encodings.length, send.rtt);
  const [camera] = await devices.list('camera');
  if (room.can('moderate') && camera) await room.setLocked(true);
  off();
  await room.leave();
}
