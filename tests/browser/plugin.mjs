// What Mattermost's plugin does between its users and rtcd: it registers, holds one WebSocket, and
// passes on what each session and the server have to tell each other.

import {decodeMulti, encode} from '@msgpack/msgpack';
import {randomBytes} from 'node:crypto';
import WebSocket from 'ws';

const TYPES = {ice: 1, sdp: 2, mute: 3, unmute: 4, screenOn: 5, screenOff: 6, videoOn: 9, videoOff: 10};
const VOICE_ON = 7, VOICE_OFF = 8;
const id = () => randomBytes(13).toString('hex');

export async function startPlugin(origin) {
  const clientID = id(), authKey = randomBytes(24).toString('base64url');
  const answer = await fetch(`${origin}/register`, {method: 'POST', body: JSON.stringify({clientID, authKey})});
  if (answer.status !== 201) throw new Error(`register: ${answer.status} ${await answer.text()}`);
  const socket = new WebSocket(`${origin.replace('http', 'ws')}/ws`,
    {headers: {authorization: `Basic ${Buffer.from(`${clientID}:${authKey}`).toString('base64')}`}});
  await new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject));
  const say = (type, data) => socket.send(Buffer.concat([encode(type), encode(data)]));
  const sessions = new Map(); // by id: {signal, voice, closed}
  socket.on('message', message => {
    const [type, data] = decodeMulti(message);
    const session = sessions.get(data.sessionID ?? data.session_id);
    if (!session) return;
    if (type === 'close') session.closed = true;
    else if (data.type === VOICE_ON || data.type === VOICE_OFF) session.voice.push(data.type === VOICE_ON);
    else session.signal(Buffer.from(data.data).toString());
  });
  return {
    clientID,
    // signal: is given what the server tells the session.
    join(callID, signal, {dcSignaling = false} = {}) {
      const sessionID = id();
      const session = {id: sessionID, signal, voice: [], closed: false,
        tell: (type, data) => say('rtc', {group_id: '', user_id: '', session_id: sessionID, call_id: '', type: TYPES[type],
          ...(data === undefined ? {} : {data: Buffer.from(data)})}),
        leave: () => say('leave', {sessionID})};
      sessions.set(sessionID, session);
      say('join', {callID, userID: `user-${sessionID}`, sessionID, channelID: 'channel', av1Support: false, dcSignaling});
      return session;
    },
    close: () => socket.close(),
  };
}
