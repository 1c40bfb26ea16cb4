// The right to join in an ICE password: browsers that are given a pass, and never speak with the
// server but by STUN, DTLS and what follows.

import assert from 'node:assert/strict';
import {call, COLORS, hears, sees, until} from '../../browser/rig.mjs';
import {startServer} from '../../browser/server.mjs';
import {pageFor, person} from './people.mjs';

const AUDIO = '2', VIDEO = '3';
const TEMPLATE = {send: ['microphone', 'camera'], receive: {audio: 1, video: 1}};

const hold = (page, method, ...args) => page.evaluate((m, a) => window.holder[m](...a), method, args);

async function holder(browser) {
  const page = await browser.page();
  await page.addScriptTag({url: '/rooms/holder.js', type: 'module'});
  await page.waitForFunction(() => window.holder);
  return page;
}

export default async function ({browsers, test}) {
  const s = await startServer({name: 'rooms-pass', options: ['--auth.required=false', '--rooms.pass_any=true']});
  const admin = (method, where, body) => fetch(`${s.adminOrigin}/v1/rooms${where}`, {method, body: body && JSON.stringify(body),
    headers: body ? {'content-type': 'application/json'} : {}});
  const room = async name => assert.equal((await admin('POST', '', {room: name})).status, 201);
  const issue = async (name, more) => {
    const r = await admin('POST', `/default/${name}/passes`, {...TEMPLATE, ...more});
    assert.equal(r.status, 201, await r.clone().text());
    return r.json();
  };
  const peers = async name => (await (await admin('GET', `/default/${name}`)).json()).peers;
  const count = (metric, labels) => s.count(`sluice_${metric}`, labels);
  const grows = async (what, metric, labels, from) => until(what, async () => {
    const value = await count(metric, labels);
    return {value, ok: value > from};
  }, 60000);

  const chromium = await browsers('chromium'), page = await pageFor(chromium), one = await holder(chromium);
  await call(one, 'make', {color: COLORS.green, frequency: 600, id: 31, width: 320, height: 180, fps: 15});
  await room('door');
  const member = await person(s, page, {name: 'M', room: 'door', color: 'magenta', frequency: 1400});
  const pass = await issue('door', {peer: 'ada', name: 'Ada', fingerprint: await hold(one, 'print')});
  const ada = {name: 'Ada', color: 'green', frequency: 600, id: 31};

  await test('a pass is told to nobody, and is no more than a password', async () => {
    assert.deepEqual(Object.keys(pass).sort(), ['expires_at', 'peer', 'sdp', 'tracks', 'transport']);
    assert.deepEqual(pass.tracks, {0: 'microphone', 1: 'camera'});
    assert.equal(/a=ice-pwd:(\S+)/.exec(pass.sdp)[1].length, 24);
    assert.deepEqual((await peers('door')).map(p => p.name), ['M']);
    assert.equal(await count('passes'), 1);
  });
  await test('a browser that has nothing else is seen and heard by a member, and sees and hears it', async () => {
    await hold(one, 'use', 'pass', pass);
    await call(one, 'connected', 'pass');
    await member.sees(ada);
    await member.hears(ada, [member]);
    await sees(one, `pass/${VIDEO}`, 'magenta', {id: member.id, timeout: 30000});
    await hears(one, `pass/${AUDIO}`, 1400, {absent: [600], timeout: 30000});
    const [peer] = (await peers('door')).filter(p => p.peer === 'ada');
    assert.deepEqual([peer.name, peer.role, peer.tracks.map(t => t.source)], ['Ada', 'participant', ['microphone', 'camera']]);
    assert.equal(await count('passes'), 0);
    assert.equal(await count('passes_used_total'), 1);
  });
  await test('a second browser with the same pass comes to nothing, and disturbs nobody', async () => {
    const other = await holder(chromium), before = await count('dropped_total', {reason: 'stun_taken'});
    await call(other, 'make', {color: COLORS.red, frequency: 900, id: 32});
    await hold(other, 'use', 'pass', pass);
    await grows('checks of a second peer', 'dropped_total', {reason: 'stun_taken'}, before + 3);
    const {connection} = await hold(other, 'state', 'pass');
    assert.notEqual(connection, 'connected');
    assert.deepEqual((await hold(one, 'state', 'pass')).been, ['connecting', 'connected']);
    await member.sees(ada);
    await member.hears(ada, [{frequency: 900}]);
    await sees(one, `pass/${VIDEO}`, 'magenta', {id: member.id});
    assert.equal((await peers('door')).length, 2);
    await other.close();
  });
  await test('who shows another certificate than was announced is not let in, and the pass is spent', async () => {
    const thief = await holder(chromium), before = await count('dtls_handshakes_failed_total');
    await call(thief, 'make', {color: COLORS.red, frequency: 900, id: 33});
    await hold(thief, 'use', 'pass', await issue('door', {peer: 'bob', fingerprint: await hold(one, 'print')}));
    await grows('a handshake that failed', 'dtls_handshakes_failed_total', {}, before);
    assert.ok(!(await hold(thief, 'state', 'pass')).been.includes('connected'));
    assert.equal((await peers('door')).length, 2);
    assert.equal(await count('passes'), 0);
    await thief.close();
  });
  await test('a pass that has expired is a password that nobody knows', async () => {
    const late = await holder(chromium), before = await count('passes_expired_total');
    await call(late, 'make', {color: COLORS.red, frequency: 900, id: 34});
    const old = await issue('door', {peer: 'eve', seconds: 1, fingerprint: await hold(late, 'print')});
    await grows('expired', 'passes_expired_total', {}, before);
    const unknown = await count('dropped_total', {reason: 'stun_unknown'});
    await hold(late, 'use', 'pass', old);
    await grows('checks for nothing', 'dropped_total', {reason: 'stun_unknown'}, unknown + 3);
    assert.notEqual((await hold(late, 'state', 'pass')).connection, 'connected');
    await late.close();
  });
  await test('when the page goes, the member is told', async () => {
    await hold(one, 'end', 'pass');
    await member.until('alone', v => v.peers.length === 0);
    await member.leave();
    await one.close();
  });
  for (const kind of ['chromium', 'firefox']) {
    await test(`${kind} uses one without a fingerprint, whose first handshake says who it is`, async () => {
      const browser = await browsers(kind), guest = await holder(browser);
      const host = await person(s, page, {name: 'H', room: `first-${kind}`, color: 'blue', frequency: 1000});
      await call(guest, 'make', {color: COLORS.yellow, frequency: 700, id: 35, width: 320, height: 180, fps: 15});
      await hold(guest, 'use', 'pass', await issue(`first-${kind}`, {peer: 'guest', name: 'Guest'}));
      await call(guest, 'connected', 'pass');
      const seen = {name: 'Guest', color: 'yellow', frequency: 700, id: 35};
      await host.sees(seen);
      await host.hears(seen, [host]);
      await sees(guest, `pass/${VIDEO}`, 'blue', {id: host.id, timeout: 30000});
      await hears(guest, `pass/${AUDIO}`, 1000, {absent: [700], timeout: 30000});
      await guest.close();
      await host.leave();
    });
  }
  await test('a camera in three layers comes in as many streams; revoked, it is gone, and so is its holder', async () => {
    const guest = await holder(chromium), host = await person(s, page, {name: 'H', room: 'layers', size: [1280, 720]});
    await call(guest, 'make', {color: COLORS.yellow, frequency: 700, id: 37, width: 1280, height: 720, fps: 10});
    const pass = await issue('layers', {peer: 'guest', name: 'Guest', layers: 3});
    await hold(guest, 'use', 'pass', pass);
    await call(guest, 'connected', 'pass');
    await host.sees({name: 'Guest', color: 'yellow', id: 37});
    const streams = await until('more than one of them', async () => {
      const {producers} = await (await fetch(`${s.adminOrigin}/v1/transports/${pass.transport}`)).json();
      const value = producers.find(p => p.kind === 'video').encodings.filter(e => e.packets > 0);
      return {value, ok: value.length > 1};
    }, 30000);
    assert.equal(new Set(streams.map(e => e.ssrc)).size, streams.length);
    assert.equal((await admin('DELETE', `/default/layers/passes/${pass.transport}`)).status, 204);
    assert.equal((await admin('DELETE', `/default/layers/passes/${pass.transport}`)).status, 404);
    await host.until('alone', v => v.peers.length === 0);
    await host.leave();
    await guest.close();
  });
  await test('a pass ends with its room', async () => {
    const guest = await holder(chromium);
    await room('shut');
    await call(guest, 'make', {color: COLORS.red, frequency: 900, id: 36});
    const closed = await issue('shut', {peer: 'guest'});
    assert.equal((await admin('DELETE', '/default/shut')).status, 204);
    const unknown = await count('dropped_total', {reason: 'stun_unknown'});
    await hold(guest, 'use', 'pass', closed);
    await grows('checks for nothing', 'dropped_total', {reason: 'stun_unknown'}, unknown + 3);
    assert.equal(await count('passes'), 0);
    await guest.close();
  });
  await page.close();
  await test('the server of passes ends when told, without a complaint', () => s.stop());
}
