// Sluice, by WHIP and WHEP, as its demo page does.

import {startImpair} from '../../tests/browser/impair.mjs';
import {call} from '../../tests/browser/rig.mjs';
import {startServer} from '../../tests/browser/server.mjs';

export async function startSluice() {
  const server = await startServer({name: 'quality'});
  const relayed = path => path && startImpair({port: server.rtc, ...path});
  // All paths that are measured, together: exact where there is one viewer.
  const estimate = async (_, alone) => {
    const bps = alone && 8 * await server.count('sluice_estimated_bytes_per_second');
    return bps > 0 && {bps};
  };
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
      await call(page, 'watch', 'sub', {url: server.whep(room, 'camera'), via: relay, recorded: true,
        token: await server.token({room, watch: true})});
      await call(page, 'connected', 'sub');
      return {relay, stop: async () => {
        await call(page, 'stop', 'sub');
        relay.stop();
      }};
    },
    estimate,
    stop: () => server.stop(),
  };
}
