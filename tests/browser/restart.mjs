// ICE restarts in the middle of a stream, seen from the viewer: the picture never stands.

import assert from 'node:assert/strict';
import {publisher, viewer} from './participants.mjs';
import {inbound, sleep, until} from './rig.mjs';

// Lets `change` happen while v plays, and demands that frames go on: no freeze as the browser
// counts them, and never longer than half a second without a new frame.
async function smoothly(v, change) {
  await until('a steady stream', async () => {
    const before = (await inbound(v.page, v.key)).framesDecoded;
    await sleep(1000);
    const n = (await inbound(v.page, v.key)).framesDecoded - before;
    return {ok: n >= 15, value: n};
  }, 20000);
  const before = await inbound(v.page, v.key);
  let longest = 0, last = before.framesDecoded, since = Date.now(), running = true;
  const watch = (async () => {
    while (running) {
      const now = (await inbound(v.page, v.key)).framesDecoded;
      if (now > last) [last, since] = [now, Date.now()];
      longest = Math.max(longest, Date.now() - since);
      await sleep(50);
    }
  })();
  await change();
  await sleep(3000);
  running = false;
  await watch;
  const after = await inbound(v.page, v.key);
  assert.ok(after.framesDecoded - before.framesDecoded > 45, 'frames go on');
  assert.ok(longest < 500, `${longest} ms without a frame`);
  assert.equal((after.freezeCount ?? 0) - (before.freezeCount ?? 0), 0, 'no freeze');
  assert.equal(after.packetsLost, before.packetsLost, 'nothing is lost');
  return `${longest} ms without a frame at most`;
}

export default async function ({server, browsers, test}) {
  const s = await server();
  for (const kind of ['chromium', 'firefox']) {
    const p = await publisher(s, await browsers(kind), {room: 'restart', color: 'magenta'});
    const v = await viewer(s, await browsers(kind), p);
    for (const [who, it] of [['publisher', p], ['viewer', v]])
      await test(`${kind}: the ${who} restarts ICE and the picture goes on`, async () => {
        await v.sees();
        const before = await it.stats();
        const said = await smoothly(v, async () => {
          await it.restart();
          await until('new credentials on both sides', async () => {
            const now = await it.stats();
            return {value: now, ok: now.ufrag !== before.ufrag && now.remoteUfrag !== before.remoteUfrag &&
              now.state === 'connected'};
          });
        });
        const asked = await it.page.evaluate(() => window.rig.requests);
        assert.equal(asked.filter(r => r.method === 'POST').length, 1, 'the session is the same');
        return said;
      });
    await v.stop();
    await p.stop();
  }
}
