// Back ends that know no more types than document 002 has: browsers offer, and are answered. Who is in the
// room is seen and heard in the sections in which a page offers to receive.

import assert from 'node:assert/strict';
import {call, COLORS, hears, launch, sees, until} from '../browser/rig.mjs';
import {pageFor, person} from '../rooms/browsers/people.mjs';
import {minter} from '../rooms/tokens.mjs';
import {occupied, there} from './rig.mjs';

const TYPES = ['answer', 'candidate', 'done'];

// What a plain page does, and nothing else.
function pageBegins() {
  const {rig} = window, found = [];
  const pc = rig.pcs.plain = new RTCPeerConnection();
  pc.onicecandidate = ({candidate}) => candidate && found.push(candidate.toJSON());
  pc.ontrack = ({streams: [stream]}) => rig.streams[stream.id] ?? rig.show(stream.id, stream);
  for (const track of rig.streams.local.stream.getTracks()) pc.addTrack(track, rig.streams.local.stream);
  window.plain = {
    // more: pairs of sections in which it receives alone.
    async offer(more) {
      for (let n = 0; n < more; n++) for (const kind of ['audio', 'video']) pc.addTransceiver(kind, {direction: 'recvonly'});
      await pc.setLocalDescription();
      return pc.localDescription.toJSON();
    },
    async answered(answer, candidates) {
      await pc.setRemoteDescription(answer);
      for (const c of candidates) await pc.addIceCandidate(c);
      return found.splice(0);
    },
    streams: () => Object.keys(rig.streams).filter(name => name !== 'local'),
    close: () => pc.close(),
  };
}

export default async function ({server, backend, test}) {
  const chromium = await launch('chromium'), room = 'five', all = [];
  const plain = (p, method, ...args) => p.page.evaluate((m, a) => window.plain[m](...a), method, args);

  // Steps 3 to 7 of the joining process; a later offer goes the same way.
  async function offer(p, more = 0) {
    await p.client.say('offer', await plain(p, 'offer', more));
    const {payload: answer} = await p.client.heard('answer'), candidates = [];
    await p.client.heard('done');
    while (p.client.told.some(m => m.type === 'candidate')) candidates.push((await p.client.heard('candidate')).payload);
    for (const c of await plain(p, 'answered', answer, candidates)) await p.client.say('candidate', c);
    await call(p.page, 'connected', 'plain');
  }
  async function joins(name, {color, frequency, id, more, room = 'five'}) {
    const p = {name, color, frequency, id, client: backend.client(room, name), page: await chromium.page()};
    await call(p.page, 'make', {color: COLORS[color], frequency, id, width: 320, height: 180, fps: 15});
    await p.page.evaluate(pageBegins);
    await offer(p, more);
    all.push(p);
    return p;
  }
  // In whichever stream.
  const meets = async (p, other) => {
    const {seen, heard} = await until(`${p.name} to see and hear ${other.name}`, async () => {
      const value = {};
      for (const name of await plain(p, 'streams')) {
        const look = await call(p.page, 'look', name), [level] = await call(p.page, 'hear', name, [other.frequency]) ?? [];
        if (look?.stamp?.id === other.id) value.seen = name;
        if (level > -60) value.heard = name;
      }
      return {value, ok: value.seen && value.heard};
    }, 30000);
    await sees(p.page, seen, other.color, {id: other.id});
    await hears(p.page, heard, other.frequency, {absent: [p.frequency]});
  };

  let ann, bob, eve;
  try {
    await test('who comes second sees and hears the first as soon as it is answered, and the first it', async () => {
      ann = await joins('ann', {color: 'green', frequency: 440, id: 61});
      await backend.has(room, occupied({ann: there(true)}));
      bob = await joins('bob', {color: 'blue', frequency: 1000, id: 62});
      await meets(bob, ann);
      await meets(ann, bob);
      assert.deepEqual(await plain(bob, 'streams'), ['others-1'], 'sound and picture are one stream');
      await backend.has(room, occupied({ann: there(true), bob: there()}));
    });
    await test('a third one who offers to see two does', async () => {
      eve = await joins('eve', {color: 'red', frequency: 2000, id: 63, more: 1});
      for (const p of [ann, bob]) await meets(eve, p);
    });
    await test('and is seen and heard by those who offer again', async () => {
      for (const p of [ann, bob]) {
        await offer(p, 1);
        await meets(p, eve);
      }
      await meets(ann, bob);
      await meets(bob, ann);
    });
    await test('who comes back is there again, without an offer of anybody else', async () => {
      await plain(bob, 'close');
      assert.equal((await bob.client.heard('left')).payload.reason, 'closed');
      await bob.page.close();
      all.splice(all.indexOf(bob), 1);
      await backend.has(room, occupied({ann: there(true), eve: there()}));
      bob = await joins('bob', {color: 'yellow', frequency: 1500, id: 64, more: 1});
      for (const p of [ann, eve]) {
        await meets(p, bob);
        await meets(bob, p);
      }
    });
    await test('nobody was told anything but what document 002 has', () => {
      for (const p of all) assert.deepEqual([...new Set(p.client.types)].sort(), TYPES, p.name);
    });
    for (const p of all.splice(0)) {
      await plain(p, 'close');
      await p.page.close();
    }
    await backend.has(room, null);
    await test('one who comes through Redis and a member by the SDK see and hear each other', async () => {
      const kim = await joins('kim', {color: 'green', frequency: 440, id: 65, room: 'both'});
      const token = (await minter(server))({room: 'both', sub: 'max'});
      const max = await person(server, await pageFor(chromium), {name: 'max', room: 'both', token, color: 'blue', frequency: 1000});
      await backend.has('both', occupied({kim: there(true), max: there()}));
      await meets(kim, max);
      await max.until('her', v => v.peers.length === 1 && v.peers[0].tracks.length === 2);
      await max.sees({...kim, name: ''});
      await max.hears({...kim, name: ''}, [max]);
      await max.leave();
      await backend.has('both', occupied({kim: there(true)}));
      await plain(kim, 'close');
      await backend.has('both', null);
    });
  } finally {
    await chromium.close();
  }
}
