// HTTP by clients who are slow, half there, too many, or lie about what they send.

import assert from 'node:assert/strict';
import net from 'node:net';
import {attack, refused, request, sleep, tokenFor, until} from './rig.mjs';

const closed = reason => ['sluice_http_closed_total', {face: 'public', reason}];
const CRLF = '\r\n';

// A connection that says what it is told to, and notes what it hears. Those who are refused
// are reset: that is an end like any other.
function connection(server, {from = '127.0.0.1', origin = server.origin} = {}) {
  const {port} = new URL(origin), begun = Date.now();
  const s = net.connect({port, host: '127.0.0.1', localAddress: from});
  const me = {heard: '', ended: false, s, write: x => me.ended || s.write(x), close: () => s.destroy()};
  s.on('data', d => me.heard += d).on('error', () => {}).on('close', () => {
    me.ended = true;
    me.after = Date.now() - begun;
  });
  return me;
}

const crowd = (server, n, from) => Array.from({length: n}, (_, i) =>
  connection(server, {from: from ?? `127.9.${i >> 6}.1`}));

// What a server may say to a head that two readers could understand in two ways: one refusal,
// and then nothing more.
const post = '/whip/room/stream';
const inner = `GET /health/live HTTP/1.1${CRLF}Host: x${CRLF}${CRLF}`;
const SMUGGLING = {
  'two lengths': `Content-Length: 0${CRLF}Content-Length: ${inner.length}`,
  'a list of lengths': `Content-Length: 0, ${inner.length}`,
  'a length and chunks': `Content-Length: ${inner.length}${CRLF}Transfer-Encoding: chunked`,
  'chunks and a length': `Transfer-Encoding: chunked${CRLF}Content-Length: ${inner.length}`,
  'chunks, in another spelling': `Transfer-Encoding: xchunked`,
  'chunks behind a tab': `Transfer-Encoding:\tchunked, identity`,
  'chunks twice': `Transfer-Encoding: chunked${CRLF}Transfer-Encoding: chunked`,
  'a blank before the colon': `Transfer-Encoding : chunked`,
  'a line without a colon': `Transfer-Encoding`,
  'a folded line': `X: a${CRLF} Transfer-Encoding: chunked`,
  'a length with a sign': `Content-Length: +0`,
  'a negative length': `Content-Length: -1`,
  'a length of 2^64': `Content-Length: 18446744073709551616`,
  'a length in hexadecimal': `Content-Length: 0x0`,
  'a bare line feed': `X: a\nContent-Length: 0`,
  'a bare carriage return': `X: a\rContent-Length: 0`,
  'NUL in a value': `X: a\0b`,
  'no host': null,
  'two hosts': 'Host: y',
};
const BROKEN = {
  'a chunk of 2^64 octets': `10000000000000000${CRLF}`,
  'a chunk of no number': `x${CRLF}`,
  'a chunk longer than it says': `1${CRLF}abc${CRLF}0${CRLF}${CRLF}`,
  'an extension without end': `1;${'x'.repeat(100000)}`,
  'trailers without end': `0${CRLF}${`X: y${CRLF}`.repeat(20000)}`,
};

const PATHS = ['/../../etc/passwd', '/%2e%2e/%2e%2e/etc/passwd', '/..%2f..%2fetc%2fpasswd', '//etc/passwd',
  '/\\..\\etc\\passwd', '/app.js/../../../etc/passwd', '/whip/../metrics', '/./app.js', '/%00', '/app.js%00.html',
  '/app.js?x=/etc/passwd#', '/%', '/%zz', '/session/../../x', '/whip/%2e%2e/x', '/metrics', '/health/live',
  'http://127.0.0.1/metrics', '*', '/' + 'a'.repeat(9000)];
const SLOW = {settle: 20000, counters: [closed('slow')]};
const FULL = ['sluice_http_refused_total', {face: 'public', reason: 'full_for_address'}];

export default async function ({server, beside, test}) {
  const head = (...lines) => [`POST ${post} HTTP/1.1`, 'Host: x', ...lines].join(CRLF);
  // Somebody else is served as if nothing was.
  const served = async () => {
    const begun = Date.now();
    refused(await request(server, 'POST', post, {from: '127.10.0.1', body: 'v=0'}), 401, 'token-missing');
    assert.ok(Date.now() - begun < 1000, `another client waited for ${Date.now() - begun} ms`);
  };

  await test('slow and half-open clients, 1000 of them', () => attack({server, beside},
    {...SLOW, counters: [closed('slow'), FULL]}, async () => {
      const silent = crowd(server, 300), heads = crowd(server, 300);
      const greedy = crowd(server, 300, '127.9.200.1'), bodies = crowd(server, 100, '127.9.201.1');
      for (const c of bodies) c.write(`${head('Content-Type: application/sdp', 'Content-Length: 1000')}${CRLF}${CRLF}`);
      for (const c of heads) c.write('POST /whip');
      const dribble = setInterval(() => [...heads, ...bodies].forEach(c => c.write('x')), 250);
      await until('too many of one address to be refused', () => ({ok: greedy.filter(c => c.ended).length >= 300 - 256,
        value: greedy.filter(c => c.ended).length}), 3000);
      for (let i = 0; i < 10; i++) {
        await served();
        await sleep(300);
      }
      await until('all to be closed', () => {
        const open = [silent, heads, greedy, bodies].map(all => all.filter(c => !c.ended).length);
        return {ok: open.every(n => n === 0), value: open};
      }, 20000);
      clearInterval(dribble);
      const latest = all => Math.max(...all.map(c => c.after));
      assert.ok(latest(heads) < 9000, `a head was waited for ${latest(heads)} ms`);
      assert.ok(latest(bodies) < 15000, `a body was waited for ${latest(bodies)} ms`);
      assert.ok(heads.every(c => !c.heard || c.heard.startsWith('HTTP/1.1 408 ')), heads.find(c => c.heard)?.heard);
    }));

  await test('clients that ask and do not read', () => attack({server, beside},
    SLOW, async () => {
      const all = crowd(server, 20);
      for (const c of all) {
        c.s.pause();
        c.write(`GET / HTTP/1.1${CRLF}Host: x${CRLF}${CRLF}`.repeat(2000));
      }
      await served();
      await sleep(12000);
      await served();
      all.forEach(c => c.close());
    }));

  await test('bodies over the limit, of known length and in chunks without end', () => attack({server, beside},
    {counters: [['sluice_http_bodies_too_large_total', {face: 'public'}]]}, async () => {
      const sends = [`Authorization: Bearer ${await tokenFor(server)}`, 'Content-Type: application/sdp'];
      const known = connection(server);
      known.write(`${head(...sends, 'Content-Length: 10000000000')}${CRLF}${CRLF}`);
      const too = c => ({ok: c.heard.startsWith('HTTP/1.1 413 '), value: c.heard.slice(0, 50)});
      await until('an answer before the body', () => too(known));
      const endless = connection(server);
      endless.write(`${head(...sends, 'Transfer-Encoding: chunked')}${CRLF}${CRLF}`);
      const chunk = `10000${CRLF}${'x'.repeat(65536)}${CRLF}`;
      await until('the end of it', () => {
        endless.write(chunk);
        return too(endless);
      });
      await until('both to be closed', () => ({ok: known.ended && endless.ended}), 15000);
    }));

  await test('heads without end', () => attack({server, beside}, {counters: [closed('malformed')]}, async () => {
    for (const line of [`X: ${'y'.repeat(100000)}`, Array(20000).fill('X: y').join(CRLF),
      `Authorization: Bearer ${'e'.repeat(1 << 20)}`, Array(2000).fill('Host: x').join(CRLF)]) {
      const c = connection(server);
      c.write(`${head(line)}${CRLF}${CRLF}`);
      await until('an end', () => ({ok: c.ended, value: c.heard.slice(0, 40)}), 8000);
      assert.match(c.heard, /^(HTTP\/1.1 4(00|31) |$)/);
      assert.ok(c.heard.split('HTTP/1.1 ').length <= 2);
    }
  }));

  const heads = Object.entries(SMUGGLING).map(([name, lines]) =>
    [name, lines === null ? `POST ${post} HTTP/1.1${CRLF}Content-Length: 0` : head(lines), '']);
  const chunks = Object.entries(BROKEN).map(([name, body]) => [name, head('Transfer-Encoding: chunked'), body]);
  await test(`${heads.length + chunks.length} ways to smuggle a request`, () => attack({server, beside},
    {counters: [closed('malformed')]}, async () => {
      for (const [name, top, body] of [...heads, ...chunks]) {
        const c = connection(server);
        c.write(`${top}${CRLF}${CRLF}${body}${inner}`);
        await until(`${name} to be refused`, () => ({ok: c.ended, value: c.heard}), 8000);
        assert.match(c.heard, /^HTTP\/1.1 (400|413|431|501) /, name);
        assert.equal(c.heard.split('HTTP/1.1 ').length, 2, `${name}: answered twice`);
      }
    }));

  await test(`${PATHS.length} paths to where nothing is`, () => attack({server, beside},
    {counters: [closed('malformed')]}, async () => {
    for (const path of PATHS) {
      const c = connection(server);
      c.write(`GET ${path} HTTP/1.1${CRLF}Host: x${CRLF}Connection: close${CRLF}${CRLF}`);
      await until('an answer', () => ({ok: c.ended, value: c.heard}), 5000);
      assert.match(c.heard, /^HTTP\/1.1 (400|404|414|431) /, path);
      assert.ok(!/root:|sluice_/.test(c.heard), path);
    }
  }));

  await test('the private face has nothing for strangers either', () => attack({server, beside}, {}, async () => {
    for (const path of ['/', '/app.js', '/metrics/../..', '/%2e%2e/etc/passwd', post]) {
      const c = connection(server, {origin: server.adminOrigin});
      c.write(`GET ${path} HTTP/1.1${CRLF}Host: x${CRLF}Connection: close${CRLF}${CRLF}`);
      await until('an answer', () => ({ok: c.ended, value: c.heard}), 5000);
      // rtcd's paths: who climbs is sent to where that leads, and finds nothing there either.
      assert.match(c.heard, path.includes('..') && !path.includes('etc') ?
        /^HTTP\/1.1 301 [^]*\r\nlocation: \/\r\n/i : /^HTTP\/1.1 (400|404) /, path);
    }
  }));
}
