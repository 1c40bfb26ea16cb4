// Users of a room as scripts that send and hear, too: the participants of tests/attack, behind the room WebSocket.

import {answerTo, credentials, offer, participant, until} from '../attack/rig.mjs';
import {Client} from './client.mjs';

async function join(server, room, kind, fields) {
  const c = await Client.join(server, room, fields);
  c.peer = await participant(kind);
  c.connect = async sdp => {
    c.peer.connect(credentials(sdp), '127.0.0.1', server.rtc);
    await c.peer.up();
    return c;
  };
  return c;
}

// Sends sound, whatever it is told: it heeds no mute, and nobody's estimate.
export async function speaker(server, room, fields) {
  const c = await join(server, room, 'whip', fields);
  const {sdp, tracks} = await c.ask('offer', {sdp: offer({print: c.peer.print}), tracks: {0: {source: 'microphone'}}});
  c.track = tracks[0];
  return c.connect(sdp);
}

// Hears whoever speaks, one of whom has to be there already.
export async function listener(server, room, fields) {
  const c = await join(server, room, 'whep', fields);
  return c.connect((await agree(c)).sdp);
}

// The server's next offer is answered.
export async function agree(c) {
  const said = await c.of('offer');
  c.say('answer', {offer: said.offer, sdp: answerTo(said.sdp, c.peer.print)});
  return said;
}

// How many come to one while the other sends 200 more.
export async function heard(to, from) {
  await Promise.all([to.mark(), from.mark()]);
  await until('packets to be sent', () => ({ok: from.seen.packets >= 200, value: from.seen}), 4000);
  return (await to.look()).packets;
}

export const comes = (to, from) => until('it to be heard', async () => {
  const value = await heard(to, from);
  return {value, ok: value > 150};
});

export const comesNot = (to, from) => until('silence', async () => {
  const value = await heard(to, from);
  return {value, ok: value === 0};
});
