// Fifty times in and out: nothing is left behind, at the server or in the page that stays.

import assert from 'node:assert/strict';
import {until} from '../../browser/rig.mjs';
import {inPage, pageFor, person} from './people.mjs';

const TIMES = 50;

export default async function ({server, browsers, test}) {
  const s = await server(), c = await browsers('chromium'), stays = await pageFor(c), comes = await pageFor(c);
  const host = await person(s, stays, {name: 'Host', room: 'churn', color: 'green', fps: 5, width: 160, height: 90});
  await test(`one who comes and goes ${TIMES} times leaves nothing behind`, async () => {
    const counts = async () => ({sections: (await host.does('numbers')).receive?.sections ?? 0, transports: await s.count('sluice_transports')});
    let early;
    for (let n = 0; n < TIMES; n++) {
      const guest = await person(s, comes, {name: 'Guest', room: 'churn', color: 'red', fps: 5, width: 160, height: 90});
      if (n % 10 === 0) await guest.sees(host);
      if (n === 5) {
        await host.sees(guest);
        early = (await counts()).sections;
      }
      await guest.leave();
    }
    await host.until('alone', v => v.peers.length === 0);
    const log = await host.log();
    assert.equal(log.filter(e => e.joined === 'Guest').length, TIMES);
    assert.equal(log.filter(e => e.left === 'Guest').length, TIMES);
    return until('as at the beginning', async () => {
      const value = await counts();
      return {value, ok: value.sections <= early + 1 && value.transports === 2 /* the host's */};
    }, 40000);
  });
  await test('a page that goes away leaves at once', async () => {
    const page = await pageFor(c);
    await person(s, page, {name: 'Gone', room: 'churn'});
    await host.until('there', v => v.peers.length === 1);
    await page.close({runBeforeUnload: false});
    await host.logged('left', e => e.left === 'Gone');
  });
  assert.deepEqual(await inPage(stays, 'present'), ['Host']);
  await host.leave();
  await stays.close();
  await comes.close();
}
