// Two in a room, of two kinds of browser; a third who comes late.

import assert from 'node:assert/strict';
import {until} from '../../browser/rig.mjs';
import {must, pageFor, person} from './people.mjs';

export default async function ({server, browsers, test}) {
  const s = await server(), pages = {c: await pageFor(await browsers('chromium')), f: await pageFor(await browsers('firefox'))};
  let ada, bob, eve;
  await test('two meet: each sees and hears the other', async () => {
    ada = await person(s, pages.c, {name: 'Ada', room: 'pair', color: 'green', frequency: 440});
    bob = await person(s, pages.f, {name: 'Bob', room: 'pair', color: 'blue', frequency: 1000});
    assert.deepEqual([ada.role, bob.role], ['host', 'participant'], 'who makes a room is its host');
    for (const [a, b] of [[ada, bob], [bob, ada]]) {
      await a.sees(b);
      await a.hears(b, [a]);
    }
  });
  await test('a microphone that is muted is not heard, and all are told; then it is again', async () => {
    await ada.does('mute', 'microphone', true);
    await until('told', async () => {
      const value = await bob.does('remote', 'Ada', 'microphone');
      return {value, ok: value?.muted};
    });
    await bob.hearsNot(ada);
    await ada.does('mute', 'microphone', false);
    await bob.hears(ada, [bob]);
  });
  await test('a camera that is muted and comes back is seen again', async () => {
    await bob.does('mute', 'camera', true);
    await until('told', async () => {
      const value = await ada.does('remote', 'Bob', 'camera');
      return {value, ok: value?.muted};
    });
    await bob.does('mute', 'camera', false);
    await ada.sees(bob);
  });
  await test('who comes late gets everything that is there', async () => {
    eve = await person(s, pages.c, {name: 'Eve', room: 'pair', color: 'red', frequency: 2000});
    await eve.sees(ada);
    await eve.sees(bob);
    await eve.hears(bob, [ada, eve]);
    await eve.hears(ada, [bob, eve]);
    await ada.sees(eve);
    await bob.sees(eve);
  });
  await test('operators see what is there: workers, routers, transports, producers, consumers and pipes', async () => {
    const get = async where => (await fetch(`${s.adminOrigin}/v1/${where}`)).json();
    const look = async () => {
      const producers = new Set(), from = new Set(), carried = new Set();
      for (const {worker} of (await get('workers')).workers) {
        const {routers} = await get(`workers/${worker}/routers?after=default/pai`);
        const router = routers.find(r => r.room === 'pair');
        if (!router) continue;
        const at = `workers/${worker}/routers/default/pair`;
        for (const {transport} of (await get(`${at}/transports`)).transports) {
          const all = await get(`transports/${transport}`);
          assert.equal(all.transport.state, 'connected');
          assert.match(all.transport.remote, /:\d+$/);
          for (const p of all.producers) {
            producers.add(p.producer);
            assert.ok(p.encodings.some(e => e.packets > 0 && e.ssrc > 0), JSON.stringify(p));
          }
          for (const c of all.consumers.filter(x => x.producer)) from.add(c.producer);
          assert.ok(all.transport.packets_received + all.transport.packets_sent > 0, JSON.stringify(all));
        }
        for (const p of (await get(`${at}/pipes`)).pipes) {
          assert.ok(p.to === worker && p.from !== worker && p.encodings.some(e => e.packets > 0), JSON.stringify(p));
          carried.add(`${p.producer} ${worker}`);
        }
      }
      return {producers, from, carried};
    };
    // On which worker one lives the kernel decides; of many some have those whom they see on the other.
    const crowd = [];
    let seen;
    while (!(seen = await look()).carried.size && crowd.length < 8) {
      crowd.push(await person(s, pages.c, {name: `More${crowd.length}`, room: 'pair', data: false}));
      await crowd.at(-1).sees(ada);
    }
    const {producers, from, carried} = seen;
    assert.ok(carried.size > 0, 'nothing is carried from one worker to another');
    assert.deepEqual([...from].sort(), [...producers].sort(), 'each is seen by somebody');
    assert.equal(producers.size, 6);
    for (const id of producers) for (const w of (await get(`producers/${id}`)).pipes) assert.ok(carried.has(`${id} ${w}`));
    for (const p of crowd) await p.leave();
  });
  await test('a screen is a track of its own, and goes as it came', async () => {
    const id = await eve.publish({source: 'screen', audio: false});
    assert.match(id, /^[0-9a-f]{16}$/);
    for (const p of [ada, bob]) await until('the screen', async () => {
      const value = await p.does('remote', 'Eve', 'screen');
      return {value, ok: value?.height > 0};
    }, 30000);
    await eve.does('unpublish', 'screen');
    for (const p of [ada, bob]) await p.logged('it ended', e => e.ended === 'Eve/screen');
    await ada.sees(eve);
  });
  await test('what is on a screen is what the others see, beside the camera of who shows it', async () => {
    const screen = await eve.screen('magenta');
    await must(eve.publish({source: 'screen', from: screen.from}));
    for (const p of [ada, bob]) {
      await p.sees(screen, {source: 'screen'});
      await p.sees(eve);
    }
    await eve.does('unpublish', 'screen');
    for (const p of [ada, bob]) await until('it ends', async () => {
      const value = (await p.state()).peers.find(x => x.name === 'Eve').tracks;
      return {value, ok: !value.includes('screen')};
    });
  });
  await test('a section that is free is used again', async () => {
    const before = (await eve.does('numbers')).send.sections, at = (await ada.does('numbers')).receive.sections;
    for (let n = 0; n < 3; n++) {
      await eve.publish({source: 'screen', audio: false});
      await eve.does('unpublish', 'screen');
    }
    assert.equal((await eve.does('numbers')).send.sections, before);
    assert.ok((await ada.does('numbers')).receive.sections <= at + 1);
  });
  await test('a name, and what else others are told, changes for all', async () => {
    assert.equal(await ada.does('room', 'update', {metadata: '{"hand":1}'}), 'done');
    await bob.until('told', v => v.peers.find(p => p.name === 'Ada')?.metadata === '{"hand":1}');
  });
  await test('a track that is turned off is not sent, and comes back', async () => {
    await bob.does('subscribe', 'Ada', 'camera', false);
    await until('gone', async () => {
      const value = await bob.does('remote', 'Ada', 'camera');
      return {value, ok: value && !value.media};
    });
    await bob.does('subscribe', 'Ada', 'camera', true);
    await bob.sees(ada);
  });
  await test('a camera of three sizes is seen as large as it is shown, and the others rest', async () => {
    const big = await person(s, pages.c, {name: 'Big', room: 'sizes', color: 'green', width: 1280, height: 720, publish: {how: 'simulcast'}});
    const near = await person(s, pages.f, {name: 'Near', room: 'sizes', size: [620, 349]});
    const seen = what => until(what, async () => {
      const value = await near.does('remote', 'Big', 'camera');
      return {value, ok: value?.height >= 270 /* 360, but for a sender that is short of time */};
    }, 30000);
    await seen('no less than fits');
    const rids = await until('one of three is sent', async () => {
      const value = await big.does('active', 'camera');
      return {value, ok: value.length === 1 && value[0] !== 'q'};
    }, 30000);
    await seen('as large as before');
    const {id} = await big.does('own', 'camera');
    const smallest = (what, ok) => until(`the smallest ${what}`, async () => {
      const {encodings} = await (await fetch(`${s.adminOrigin}/v1/producers/${id}`)).json();
      const value = encodings.find(e => e.rid === 'q');
      return {value, ok: ok(value)};
    }, 30000);
    await smallest('rests', e => e.silent_ms > 500);
    await near.does('want', 'Big', 'camera', {width: 320, height: 180});
    const {resumed_ms: took} = await smallest('is back, and how long it took is known', e => e.resumed_ms > 0);
    await near.leave();
    await big.leave();
    return `${rids}; the smallest was back after ${took} ms`;
  });
  await test('a picture that nobody watches rests, whatever its sizes, and a voice does not', async () => {
    const one = await person(s, pages.c, {name: 'One', room: 'rests', color: 'blue', frequency: 700});
    const sends = (source, n) => until(`${n} of ${source}`, async () => {
      const value = await one.does('active', source);
      return {value, ok: value.length === n};
    }, 30000);
    await sends('camera', 0);
    const near = await person(s, pages.f, {name: 'Near', room: 'rests'});
    await near.sees(one);
    await sends('camera', 1);
    await near.does('subscribe', 'One', 'camera', false);
    await near.does('subscribe', 'One', 'microphone', false);
    await sends('camera', 0);
    await sends('microphone', 1);
    await near.does('subscribe', 'One', 'camera', true);
    await near.sees(one);
    await near.does('scroll', 'One', true);
    await sends('camera', 0);
    await near.does('scroll', 'One', false);
    await near.sees(one);
    await near.leave();
    await one.leave();
  });
  // The median of twenty looks: a single one may be anywhere. Of a page that stops for a moment the sound is late from then
  // on, by whatever way it goes, until the browser that hears it has brought them together again.
  const together = async who => {
    const begun = Date.now(), last = [];
    let first = null;
    const value = await until('together', async () => {
      const apart = await who.does('apart', 'Ada');
      if (apart === null) return {value: last, ok: false};
      first ??= `${Math.round(apart)} ms apart after ${Date.now() - begun} ms`;
      last.push(Math.round(apart));
      const some = last.slice(-20).sort((a, b) => a - b);
      return {value: some, ok: some.length === 20 && some[10] < 40};
    }, 30000);
    return `${first}, ${value[10]} (at the most ${value[19]}) after ${Date.now() - begun}`;
  };
  await test('lips and voice are within 40 ms of each other, once the browser has brought them together', () => together(eve));
  await test('and for one who has just come they are so after a while', async () => {
    const zoe = await person(s, pages.c, {name: 'Zoe', room: 'pair'}), said = await together(zoe);
    await zoe.leave();
    return said;
  });
  await test('who leaves is gone for all', async () => {
    await ada.leave();
    for (const p of [bob, eve]) {
      await p.logged('she left', e => e.left === 'Ada' && e.reason === 'left');
      assert.deepEqual((await p.state()).peers.map(x => x.name), [p === bob ? 'Eve' : 'Bob']);
    }
    await bob.leave();
    await eve.leave();
  });
  for (const page of Object.values(pages)) await page.close();
}
