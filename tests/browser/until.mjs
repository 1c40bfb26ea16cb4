// Waiting, for those who drive no browser, too.

export const sleep = ms => new Promise(r => setTimeout(r, ms));

// Times are named as an idle machine needs them; a slow one that does other things, too, needs
// several times as long. Who waits for what comes loses nothing by it.
export const PATIENCE = 4;

// Asks `look` until what it returns has ok; says what was last seen if that never comes.
export async function until(what, look, timeout = 10000) {
  let seen;
  for (const end = Date.now() + PATIENCE * timeout; Date.now() < end; await sleep(100)) {
    seen = await look();
    if (seen?.ok) return seen.value;
  }
  throw new Error(`${what}: last seen ${JSON.stringify(seen?.value)}`);
}
