// Waiting, for those who drive no browser, too.

export const sleep = ms => new Promise(r => setTimeout(r, ms));

// Asks `look` until what it returns has ok; says what was last seen if that never comes.
export async function until(what, look, timeout = 10000) {
  let seen;
  for (const end = Date.now() + timeout; Date.now() < end; await sleep(100)) {
    seen = await look();
    if (seen?.ok) return seen.value;
  }
  throw new Error(`${what}: last seen ${JSON.stringify(seen?.value)}`);
}
