// Passes for back ends that talk through Redis alone: real browsers that are given one, and know no
// address of the server.

import assert from 'node:assert/strict';
import {call, COLORS, hears, launch, sees, until} from '../browser/rig.mjs';
import {occupied, there} from './rig.mjs';

const AUDIO = '2', VIDEO = '3'; // the slots of this template
const TEMPLATE = {send: ['microphone', 'camera'], receive: {audio: 1, video: 1}};

const hold = (page, method, ...args) => page.evaluate((m, a) => window.holder[m](...a), method, args);

export default async function ({server, backend, test}) {
  const chromium = await launch('chromium');
  const holder = async (color, frequency, id) => {
    const page = await chromium.page();
    await page.addScriptTag({url: '/rooms/holder.js', type: 'module'});
    await page.waitForFunction(() => window.holder);
    await call(page, 'make', {color: COLORS[color], frequency, id, width: 320, height: 180, fps: 15});
    return {page, color, frequency, id};
  };
  const ask = async (room, name, payload) => {
    const client = backend.client(room, name);
    await client.say('pass', payload);
    return client;
  };
  const issue = async (room, name, {page}, more = {}) => {
    const client = await ask(room, name, {...TEMPLATE, fingerprint: await hold(page, 'print'), ...more});
    return {client, pass: (await client.heard('pass')).payload};
  };
  const meets = async (a, b) => {
    await sees(a.page, `pass/${VIDEO}`, b.color, {id: b.id, timeout: 30000});
    await hears(a.page, `pass/${AUDIO}`, b.frequency, {absent: [a.frequency], timeout: 30000});
  };
  const unknown = () => server.count('sluice_dropped_total', {reason: 'stun_unknown'});

  try {
    const ann = await holder('green', 440, 71), bob = await holder('blue', 1000, 72);
    await test('a pass makes the room, in which nobody is before it is used', async () => {
      Object.assign(ann, await issue('pass', 'ann', ann));
      assert.deepEqual(Object.keys(ann.pass).sort(), ['expires_at', 'peer', 'sdp', 'tracks', 'transport']);
      assert.equal(ann.pass.peer, 'ann');
      assert.ok(Math.abs(ann.pass.expires_at - Date.now() / 1000 - 30) < 10, `${ann.pass.expires_at}`);
      await backend.has('pass', occupied({}));
    });
    await test('two browsers that have nothing else see and hear each other, and are in the dictionary', async () => {
      await hold(ann.page, 'use', 'pass', ann.pass);
      await call(ann.page, 'connected', 'pass');
      await backend.has('pass', occupied({ann: there(true)}));
      Object.assign(bob, await issue('pass', 'bob', bob));
      await hold(bob.page, 'use', 'pass', bob.pass);
      await call(bob.page, 'connected', 'pass');
      await backend.has('pass', occupied({ann: there(true), bob: there()}));
      await meets(ann, bob);
      await meets(bob, ann);
    });
    await test('one that is revoked before it was used is a password that nobody knows', async () => {
      const eve = await holder('red', 2000, 73), {client, pass} = await issue('pass', 'eve', eve), before = await unknown();
      await client.say('leave');
      assert.deepEqual((await client.heard('left')).payload, {reason: 'revoked', detail: ''});
      await hold(eve.page, 'use', 'pass', pass);
      await until('checks for nothing', async () => {
        const value = await unknown();
        return {value, ok: value > before + 3};
      }, 60000);
      assert.notEqual((await hold(eve.page, 'state', 'pass')).connection, 'connected');
      await eve.page.close();
    });
    await test('one that is revoked when it is in use ends what it began', async () => {
      await bob.client.say('leave');
      assert.equal((await bob.client.heard('left')).payload.reason, 'revoked');
      await backend.has('pass', occupied({ann: there(true)}));
    });
    await test('who leaves is not there any more, nor is the room', async () => {
      await hold(ann.page, 'end', 'pass');
      await backend.has('pass', null);
    });
    for (const [name, payload, code, detail] of [
      ['whose certificate nobody named', TEMPLATE, 'fingerprint', 'without a fingerprint, where rooms.pass_any is not set'],
      ['of nothing', {fingerprint: await hold(ann.page, 'print')}, 'malformed', 'send or receive: something'],
      ['for somebody else', {...TEMPLATE, fingerprint: await hold(ann.page, 'print'), peer: 'eve'}, 'malformed', 'peer: it is clientID'],
      ['that is no object', 'camera', 'malformed', 'payload'],
    ])
      await test(`one ${name} is not had: ${code}`, async () => {
        const client = await ask('refused', 'mal', payload);
        assert.deepEqual((await client.heard('error')).payload, {code, detail});
        assert.equal(await backend.dictionary('refused'), null);
      });
    for (const p of [ann, bob]) await p.page.close();
  } finally {
    await chromium.close();
  }
}
