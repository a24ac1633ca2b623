/** What a person does at a terminal, with plain Node and with otel-run in both topologies. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { hasTerminal, openTerminal, type Terminal } from '../harness/terminal.ts';

const ways = [['plain node', null], ['replace', 'replace'], ['parent', 'parent']] as const;

function open(way: (typeof ways)[number][1]): Terminal {
  const terminal = openTerminal(way);
  onTestFinished(() => terminal.close());
  return terminal;
}

const hold = 'setInterval(() => {}, 1e6); ';

// Skipped where util-linux's `script` or bash is absent: nothing else here makes a terminal without a native module.
describe.skipIf(!hasTerminal).each(ways)('%s, on a terminal', (_, way) => {
  it('Ctrl-C reaches the application once, and its exit code is ours', async () => {
    const terminal = open(way);
    terminal.type(`run node -e 'let n = 0; process.on("SIGINT", () => { if (++n === 1) setTimeout(() => { console.log("came", n); process.exit(5) }, 300) }); ${hold}console.log(process.stdin.isTTY && process.stdout.isTTY ? "re" + "ady" : "no terminal")'; echo "code $?"\n`);
    await terminal.shows(/ready/);
    terminal.type('\x03');
    await terminal.shows(/came 1\ncode 5\n/);
  });

  it('Ctrl-C ends an application without a handler, and the shell is told so', async () => {
    const terminal = open(way);
    terminal.type(`run node -e '${hold}console.log("re" + "ady")'\n`);
    await terminal.shows(/ready/);
    terminal.type('\x03');
    terminal.type('echo "code $?"\n');
    await terminal.shows(/code 130\n/);
  });

  it('Ctrl-Z stops it, fg goes on with it, and its input is its own', async () => {
    const terminal = open(way);
    terminal.type(`run node -e 'let n = 0; process.on("SIGCONT", () => console.log("continued", ++n)); process.stdin.on("data", (text) => { console.log("read", String(text).trim(), n); process.exit(7) }); console.log("re" + "ady")'\n`);
    await terminal.shows(/ready/);
    terminal.type('\x1a');
    await terminal.shows(/Stopped/);
    terminal.type('jobs\n');
    await terminal.shows(/Stopped/);
    terminal.type('fg\n');
    await terminal.shows(/continued 1\n/);
    terminal.type('words\n');
    const [, conts] = await terminal.shows(/read words (\d)\n/);
    expect(conts).toBe('1');
    terminal.type('echo "code $?"\n');
    await terminal.shows(/code 7\n/);
  });

  it('raw mode gives it each key, Ctrl-C too, and leaves the terminal as it was', async () => {
    const terminal = open(way);
    terminal.type(`stty -a | grep -o -- "-\\?icanon"; run node -e 'process.stdin.setRawMode(true); process.stdin.on("data", (keys) => { console.log("key", keys[0]); if (keys[0] === 3) process.exit(8) }); console.log("re" + "ady")'; echo "code $?"; stty -a | grep -o -- "-\\?icanon"\n`);
    await terminal.shows(/^icanon$/m);
    await terminal.shows(/ready/);
    terminal.type('x');
    await terminal.shows(/key 120/);
    terminal.type('\x03');
    await terminal.shows(/key 3\s+code 8\s+icanon\n/);
  });

  it('Ctrl-Z in raw mode, which readline answers by stopping itself, stops the job; fg goes on with it, as often as you like', async () => {
    const terminal = open(way);
    terminal.type(`TERM=xterm run node -e 'const rl = require("readline").createInterface({ input: process.stdin, output: process.stdout, terminal: true, prompt: "" }); rl.on("SIGCONT", () => rl.prompt()); rl.on("line", (line) => { console.log("read", line); process.exit(7) }); console.log("re" + "ady")'\n`);
    await terminal.shows(/ready/);
    for (const time of ['first', 'second']) {
      terminal.type('\x1a');
      await terminal.shows(/Stopped/);
      terminal.type(`echo "shell ${time}"\n`);
      await terminal.shows(new RegExp(`shell ${time}\\n`));
      terminal.type('fg\n');
      await terminal.shows(/"\$@"\n/); // what the shell goes on with
      // Until readline has set the terminal's mode again.
      await new Promise((resolve) => setTimeout(resolve, 700));
    }
    terminal.type('words\r');
    await terminal.shows(/read words/);
    terminal.type('echo "code $?"\n');
    await terminal.shows(/code 7\n/);
  });

  it('a new size is told once', async () => {
    const terminal = open(way);
    terminal.type(`stty rows 20 cols 60; run node -e 'let n = 0; process.on("SIGWINCH", () => n++); process.stdout.on("resize", () => setTimeout(() => { console.log("size", process.stdout.columns, process.stdout.rows, n); process.exit() }, 300)); ${hold}console.log("re" + "ady"); require("child_process").execFileSync("stty", ["cols", "91"], { stdio: "inherit" })'\n`);
    await terminal.shows(/size 91 20 1\n/);
  });

  it('a reader that has seen enough ends it as under plain node', async () => {
    const terminal = open(way);
    terminal.type(`run node -e 'process.stdout.on("error", (error) => { console.error(error.code); process.exit(9) }); setInterval(() => console.log("line"), 5)' | head -1; echo "codes \${PIPESTATUS[*]}"\n`);
    await terminal.shows(/line\nEPIPE\ncodes 9 0\n/);
  });
});

// In a container a terminal is somebody's too.
it.skipIf(!hasTerminal).each(['replace', 'parent'] as const)('with no backend the traces are kept, and a line says where they are (%s)', async (way) => {
  const terminal = open(way);
  terminal.type(`run node -e 'require("http").createServer((_, answer) => answer.end()).listen(0, function () { fetch("http://127.0.0.1:" + this.address().port).then(() => process.exit(4)) })'; echo "code $?"\n`);
  await terminal.shows(/no backend is configured: traces stay (?:on this machine|in this container, and go with it)[,;] `otel-run traces`(?: in it)? shows them\ncode 4\n/);
  terminal.type('until run traces | grep GET; do sleep 0.1; done\n');
  await terminal.shows(/^[0-9a-f]{8} .* GET .*\n/m);
});
