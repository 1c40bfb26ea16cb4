// Tokens that permit nothing, however they are made.

import assert from 'node:assert/strict';
import {createHmac, generateKeyPairSync, sign} from 'node:crypto';
import {attack, offer, refused, request, tokenFor} from './rig.mjs';

const b64 = x => Buffer.from(typeof x === 'string' || Buffer.isBuffer(x) ? x : JSON.stringify(x)).toString('base64url');

export default async function ({server, beside, test}) {
  const good = await tokenFor(server), [head, payload, signature] = good.split('.');
  const claims = JSON.parse(Buffer.from(payload, 'base64url')), header = JSON.parse(Buffer.from(head, 'base64url'));
  const signed = (h, c, key = 'guessed', hash = 'sha256') => {
    const text = `${b64(h)}.${b64(c)}`;
    return `${text}.${createHmac(hash, key).update(text).digest('base64url')}`;
  };
  const secret = /^  secret (\S+)$/m.exec(server.log())[1]; // told once, when it was made
  const permits = change => signed(header, {...claims, ...change}, secret);
  const seconds = Math.floor(Date.now() / 1000);
  const rsa = generateKeyPairSync('rsa', {modulusLength: 2048});
  const spoilt = signature[0] === 'A' ? `B${signature.slice(1)}` : `A${signature.slice(1)}`;

  // [name, token, status, type]
  const ROWS = [
    ['none', undefined, 401, 'token-missing'],
    ['alg none', `${b64({...header, alg: 'none'})}.${payload}.`, 401, 'token-invalid'],
    ['alg none, with the signature', `${b64({...header, alg: 'none'})}.${payload}.${signature}`, 401, 'token-invalid'],
    ['alg None', `${b64({...header, alg: 'None'})}.${payload}.`, 401, 'token-invalid'],
    ['no alg', `${b64({typ: 'JWT'})}.${payload}.${signature}`, 401, 'token-invalid'],
    ['alg HS512', signed({...header, alg: 'HS512'}, claims, 'guessed', 'sha512'), 401, 'token-invalid'],
    ['alg RS256', (t => `${t}.${sign('sha256', Buffer.from(t), rsa.privateKey).toString('base64url')}`)(
      `${b64({...header, alg: 'RS256'})}.${payload}`), 401, 'token-invalid'],
    ['a public key as secret', signed(header, claims, rsa.publicKey.export({type: 'spki', format: 'pem'})), 401, 'token-invalid'],
    ['another key', signed(header, claims), 401, 'token-invalid'],
    ['an empty key', signed(header, claims, ''), 401, 'token-invalid'],
    ['a key of a kid that there is not', signed({...header, kid: '../../dev/null'}, claims, ''), 401, 'token-invalid'],
    ['a key that it brings along', signed({...header, jwk: {kty: 'oct', k: b64('guessed')}}, claims), 401, 'token-invalid'],
    ['crit', signed({...header, crit: ['b64'], b64: false}, claims), 401, 'token-invalid'],
    ['no signature', `${head}.${payload}.`, 401, 'token-invalid'],
    ['half a signature', `${head}.${payload}.${signature.slice(0, 20)}`, 401, 'token-invalid'],
    ['a signature with one bit turned', `${head}.${payload}.${spoilt}`, 401, 'token-invalid'],
    ['other claims under a true signature', `${head}.${b64({...claims, exp: claims.exp + 1})}.${signature}`, 401, 'token-invalid'],
    ['four parts', `${good}.x`, 401, 'token-invalid'],
    ['no part', '.', 401, 'token-invalid'],
    ['octets that no base64 has', good.replace('.', '.\u00a7'.slice(0, 1) + '!'), 401, 'token-invalid'],
    ['claims nested 1000 deep', `${head}.${b64('['.repeat(1000) + ']'.repeat(1000))}.${signature}`, 401, 'token-invalid'],
    ['of 12 kB', signed(header, {...claims, sub: 'x'.repeat(9000)}), 401, 'token-invalid'],
    ['expired', permits({exp: seconds - 60}), 401, 'token-expired'],
    ['not valid yet', permits({nbf: seconds + 60}), 401, 'token-early'],
    ['for ever', permits({exp: undefined}), 401, 'token-invalid'],
    ['an expiry in words', permits({exp: '99999999999'}), 401, 'token-invalid'],
    ['an expiry of 1e300', permits({exp: 1e300}), 401, 'token-invalid'],
    ['no room', permits({room: undefined}), 401, 'token-invalid'],
    ['a list of rooms', permits({room: ['room']}), 401, 'token-invalid'],
    ['no permission', permits({perm: ''}), 401, 'token-invalid'],
    ['a permission that there is not', permits({perm: 'root'}), 401, 'token-invalid'],
    ['of another room', permits({room: 'another'}), 403, 'forbidden'],
    ['to watch, for publishing', permits({perm: 'watch'}), 403, 'forbidden'],
  ];

  await test(`${ROWS.length} tokens that permit nothing`, () => attack({server, beside},
    {counters: ['token-missing', 'token-invalid', 'token-expired', 'forbidden'].map(problem =>
      ['sluice_requests_refused_total', {problem}])}, async () => {
      for (const [name, token, status, type] of ROWS) {
        const res = await request(server, 'POST', '/whip/room/stream', {token, body: offer()});
        assert.equal(`${name}: ${res.status}`, `${name}: ${status}`);
        refused(res, status, type);
        assert.match(res.headers['www-authenticate'], /^Bearer realm="sluice"/, name);
      }
      const res = await request(server, 'POST', '/whip/room/stream', {token: good, body: offer()});
      assert.equal(res.status, 201);
      assert.equal((await request(server, 'DELETE', res.headers.location)).status, 200);
    }));

  await test('5000 guesses', () => attack({server, beside},
    {counters: [['sluice_requests_refused_total', {problem: 'token-invalid'}]]}, async () => {
      for (let i = 0; i < 5000; i += 20)
        await Promise.all(Array.from({length: 20}, (_, k) => request(server, 'POST', '/whip/room/stream',
          {from: `127.11.0.${1 + k}`, token: signed(header, claims, `guess ${i + k}`), body: 'v=0'})));
    }));
}
