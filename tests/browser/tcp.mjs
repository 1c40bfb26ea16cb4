// Media over TCP, for browsers that find no other way: all else is taken out of the answer.

import assert from 'node:assert/strict';
import {publisher, viewer} from './participants.mjs';
import {inbound, until} from './rig.mjs';

const STREAMS = 'sluice_streams', SENT = 'sluice_stream_sent_datagrams_total',
  RECEIVED = 'sluice_stream_received_datagrams_total';

export default async function ({server, browsers, test}) {
  const s = await server();
  const numbers = async names => Object.fromEntries(await Promise.all(names.map(async n => [n, await s.count(n)])));
  for (const kind of ['chromium', 'firefox']) {
    let p, v, before;
    await test(`${kind}: publishes and watches over TCP`, async () => {
      before = await numbers([SENT, RECEIVED]);
      p = await publisher(s, await browsers(kind), {room: `tcp-${kind}`, color: 'cyan', frequency: 660, via: 'tcp'});
      v = await viewer(s, await browsers(kind), p, {via: 'tcp'});
      await v.sees();
      await v.hears();
    });
    await test(`${kind}: the packets went that way, and none was lost`, async () => {
      const now = await until('two streams that are used', async () => {
        const value = await numbers([STREAMS, SENT, RECEIVED]);
        return {value, ok: value[STREAMS] >= 2 && value[SENT] > before[SENT] + 100 && value[RECEIVED] > before[RECEIVED] + 100};
      });
      assert.equal(await s.count('sluice_stream_dropped_total', {reason: 'slow'}), 0);
      return now;
    });
    await test(`${kind}: after an ICE restart that tells of all candidates it goes on`, async () => {
      const was = await v.stats();
      await v.restart();
      await until('a path by the new credentials', async () => {
        const value = await v.stats();
        return {value, ok: value.remoteUfrag !== was.remoteUfrag && value.state === 'connected'};
      });
      const {framesDecoded} = await inbound(v.page, v.key);
      await until('a picture that moves', async () => {
        const value = (await inbound(v.page, v.key)).framesDecoded - framesDecoded;
        return {value, ok: value > 30};
      });
    });
    await v?.stop();
    await p?.stop();
    await test(`${kind}: connections go when their sessions do`, () => until('no streams', async () => {
      const value = await s.count(STREAMS);
      return {value, ok: value === 0};
    }, 20000));
  }
}
