// The page's own arithmetic: fragments of session descriptions, and headers.

import assert from 'node:assert/strict';
import {test} from './harness.mjs';
import {credentials, fragment, iceServers, restarted} from '../../web/sdp.js';

const crlf = (...lines) => lines.join('\r\n') + '\r\n';
const OFFER = crlf('v=0', 'o=- 1 2 IN IP4 127.0.0.1', 's=-', 't=0 0', 'a=group:BUNDLE a b',
  'm=audio 54321 UDP/TLS/RTP/SAVPF 111', 'c=IN IP4 192.0.2.1', 'a=mid:a', 'a=ice-ufrag:Ufra',
  'a=ice-pwd:PwdPwdPwdPwdPwdPwdPwdPw', 'm=video 9 UDP/TLS/RTP/SAVPF 96', 'a=mid:b',
  'a=ice-ufrag:Ufra', 'a=ice-pwd:PwdPwdPwdPwdPwdPwdPwdPw');
const ANSWER = crlf('v=0', 'o=- 3 1 IN IP4 0.0.0.0', 's=-', 't=0 0', 'a=ice-lite', 'a=group:BUNDLE a b',
  'm=audio 9 UDP/TLS/RTP/SAVPF 111', 'a=mid:a', 'a=ice-ufrag:old', 'a=ice-pwd:oldpwd', 'a=setup:passive',
  'a=candidate:1 1 udp 2130706431 192.0.2.9 8443 typ host', 'a=end-of-candidates',
  'm=video 9 UDP/TLS/RTP/SAVPF 96', 'a=mid:b', 'a=ice-ufrag:old', 'a=ice-pwd:oldpwd', 'a=rtcp-mux');

export default async function () {
  await test('a fragment names the first section, its credentials and candidates', () => {
    const candidates = [{candidate: 'candidate:1 1 udp 1 192.0.2.1 1 typ host', sdpMid: 'a'},
      {candidate: 'candidate:1 1 udp 1 192.0.2.1 2 typ host', sdpMid: 'b'}];
    assert.equal(fragment(OFFER, candidates, true), crlf('a=group:BUNDLE a b',
      'm=audio 9 UDP/TLS/RTP/SAVPF 111', 'a=mid:a', 'a=ice-ufrag:Ufra',
      'a=ice-pwd:PwdPwdPwdPwdPwdPwdPwdPw', 'a=candidate:1 1 udp 1 192.0.2.1 1 typ host',
      'a=end-of-candidates'));
  });
  await test('a fragment before the last candidate does not say end', () =>
    assert.ok(!fragment(OFFER, [], false).includes('end-of')));
  await test('credentials are found, or missing', () => {
    assert.deepEqual(credentials(OFFER), {ufrag: 'Ufra', pwd: 'PwdPwdPwdPwdPwdPwdPwdPw'});
    assert.deepEqual(credentials('v=0\r\n'), {ufrag: undefined, pwd: undefined});
  });
  await test('a restart changes credentials in all sections, and keeps candidates it does not name', () =>
    assert.equal(restarted(ANSWER, crlf('a=ice-ufrag:new', 'a=ice-pwd:newpwd')),
      ANSWER.replaceAll('ufrag:old', 'ufrag:new').replaceAll('pwd:oldpwd', 'pwd:newpwd')));
  await test('a restart that names candidates replaces those of before', () => {
    const now = restarted(ANSWER, crlf('a=ice-ufrag:n', 'a=ice-pwd:p', 'm=audio 9 UDP/TLS/RTP/SAVPF 0',
      'a=mid:a', 'a=candidate:2 1 udp 7 198.51.100.1 8443 typ host', 'a=end-of-candidates'));
    assert.ok(!now.includes('192.0.2.9'));
    assert.equal(now.indexOf('198.51.100.1'), now.lastIndexOf('198.51.100.1'));
    assert.ok(now.indexOf('198.51.100.1') < now.indexOf('m=video'));
    assert.ok(now.endsWith('a=rtcp-mux\r\n'));
  });
  await test('ICE servers are read from Link headers, others are left', () => {
    assert.deepEqual(iceServers('<stun:a.example>; rel="ice-server", <turn:b.example?transport=udp>; ' +
      'rel="ice-server"; username="u"; credential="c"; credential-type="password", <x>; rel="next"'),
    [{urls: 'stun:a.example'}, {urls: 'turn:b.example?transport=udp', username: 'u', credential: 'c'}]);
    assert.deepEqual(iceServers(null), []);
  });
}
