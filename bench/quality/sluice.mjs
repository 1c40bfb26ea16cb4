// Sluice, by WHIP and WHEP, as its demo page does.

import {startImpair} from '../../tests/browser/impair.mjs';
import {call} from '../../tests/browser/rig.mjs';
import {startServer} from '../../tests/browser/server.mjs';

export async function startSluice(options = {}) {
  const server = await startServer({name: 'quality', ...options});
  const relayed = path => path && startImpair({port: server.rtc, ...path});
  const transports = async () => {
    const r = await fetch(`${server.adminOrigin}/admin/transports`);
    return r.ok ? (await r.json()).transports : [];
  };
  let before = Promise.resolve(); // viewers come one by one, so that the new transport is theirs
  const alone = f => before = before.catch(() => {}).then(f);
  return {
    name: 'sluice',
    publish: async (page, {room, path}) => {
      const relay = await relayed(path);
      await call(page, 'publish', 'pub', {url: server.whip(room, 'camera'), via: relay,
        token: await server.token({room, publish: true}), codec: 'VP8', simulcast: true});
      await call(page, 'connected', 'pub');
      return {room, stop: async () => {
        await call(page, 'stop', 'pub');
        relay?.stop();
      }};
    },
    watch: async (page, {room}, path, seed) => {
      const relay = await relayed({...path, seed});
      const id = await alone(async () => {
        const others = new Set((await transports()).map(t => t.id));
        await call(page, 'watch', 'sub', {url: server.whep(room, 'camera'), via: relay, recorded: true,
          token: await server.token({room, watch: true})});
        return (await transports()).find(t => !others.has(t.id))?.id;
      });
      await call(page, 'connected', 'sub');
      return {relay, id, stop: async () => {
        await call(page, 'stop', 'sub');
        relay.stop();
      }};
    },
    estimate: async v => {
      const t = (await transports()).find(x => x.id === v.id);
      return t?.estimate_bps > 0 && {bps: t.estimate_bps, cause: t.estimate_cause};
    },
    room: server, // for members by the SDK
    relayed,
    stop: () => server.stop(),
  };
}
