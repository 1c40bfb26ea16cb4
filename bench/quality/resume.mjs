// A layer that nobody wanted is wanted: how long until its first packet is here. Publisher and
// viewer are members by the SDK, which is told by message what to send.

import {launch} from '../../tests/browser/rig.mjs';
import {until} from '../../tests/browser/until.mjs';
import {pageFor, person} from '../../tests/rooms/browsers/people.mjs';

const SMALL = {width: 320, height: 180}, LARGE = {width: 1280, height: 720};

// In the page, before it joins: media goes to a relay in place of the server.
function redirect(port) {
  const {prototype} = window.RTCPeerConnection, {setRemoteDescription} = prototype;
  prototype.setRemoteDescription = function ({type, sdp}) {
    let n = 0;
    sdp = sdp.replace(/^a=candidate:(\S+ \d+) (\S+) (\d+) \S+ \d+ .*\r\n/gm, (_, head, transport, priority) =>
      transport.toLowerCase() === 'udp' && n++ === 0 ? `a=candidate:${head} udp ${priority} 127.0.0.1 ${port} typ host\r\n` : '');
    return setRemoteDescription.call(this, {type, sdp});
  };
}

// ms, from when the publisher is told until the packet is at the server, once and again.
export async function resumes({room: server, relayed}, {path, times}) {
  const relay = await relayed(path), browser = await launch('chromium');
  try {
    return await measure(server, relay, browser, times);
  } finally {
    await browser.close();
    relay.stop();
  }
}

async function measure(server, relay, browser, times) {
  const room = 'resume';
  const token = await server.token({room, publish: true, watch: true});
  const pages = [await pageFor(browser), await pageFor(browser)], all = [];
  await pages[0].evaluate(redirect, relay.port);
  const big = await person(server, pages[0], {name: 'Big', room, token, color: 'green', ...LARGE, fps: 30, publish: {how: 'simulcast'}});
  const near = await person(server, pages[1], {name: 'Near', room, token, size: [LARGE.width, LARGE.height]});
  const {id} = await big.does('own', 'camera');
  const largest = (what, ok) => until(what, async () => {
    const {encodings} = await (await fetch(`${server.adminOrigin}/v1/producers/${id}`)).json();
    const value = encodings.find(e => e.rid === 'f');
    return {value: value ?? encodings, ok: !!value && ok(value)};
  }, 30000);
  await largest('the largest comes', e => e.packets > 1000 && e.silent_ms < 100);
  while (all.length < times) {
    await near.does('want', 'Big', 'camera', SMALL);
    await largest('nobody wants it', e => e.silent_ms > 700 + 131 * all.length % 500); // no rhythm of ours
    await near.does('want', 'Big', 'camera', LARGE);
    all.push((await largest('it is back', e => e.resumed_ms !== null && e.silent_ms < 100)).resumed_ms);
  }
  if ((await relay.stats()).up.in < 1000) throw new Error('the path was not that of the relay');
  for (const p of [near, big]) await p.leave();
  return all;
}
