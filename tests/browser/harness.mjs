// Runs tests one after the other and says how each went, in the words that ./dev counts.

let passed = 0, failed = 0;

// f may return something worth reading beside the name.
export async function test(name, f) {
  const begun = Date.now();
  try {
    const said = await f();
    passed++;
    console.log(`ok   ${name}${said === undefined ? '' : `: ${typeof said === 'string' ? said : JSON.stringify(said)}`}` +
      ` (${((Date.now() - begun) / 1000).toFixed(1)} s)`);
  } catch (error) {
    failed++;
    console.log(`FAIL ${name}: ${error.message.split('\n')[0]}`);
    for (const line of (error.stack ?? '').split('\n').slice(1, 6)) console.log(`     ${line.trim()}`);
  }
}

export const skip = (name, reason) => console.log(`skip ${name}: ${reason}`);

export function done() {
  console.log(`${passed} passed, ${failed} failed`);
  return failed ? 1 : 0;
}
