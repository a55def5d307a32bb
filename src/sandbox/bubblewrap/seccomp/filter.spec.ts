import { BPF, INSTRUCTION_BYTES } from './bpf.js';
import { systemCallFilter } from './filter.js';
import { type Condition, RULES } from './rules.js';

/** A call as the kernel shows it to a filter. */
interface Call {
  architecture: number;
  number: number;
  arguments?: Partial<Record<number, number>>;
}

const ALLOW = 0x7fff_0000;
const KILL = 0x8000_0000;
const ERRNO = { EPERM: 0x0005_0001, ENOSYS: 0x0005_0026, EAFNOSUPPORT: 0x0005_0061 };

/** Runs a program as the kernel would (linux/filter.h), over a `struct seccomp_data`. */
function run(program: Buffer, { architecture, number, arguments: values = {} }: Call): number {
  const word = (offset: number) => {
    if (offset === 0) return number;
    if (offset === 4) return architecture;
    return (offset - 16) % 8 === 0 ? (values[(offset - 16) / 8] ?? 0) : 0;
  };
  let accumulator = 0;
  for (let at = 0; at < program.length / INSTRUCTION_BYTES; at += 1) {
    const base = at * INSTRUCTION_BYTES;
    const [code, jt, jf] = [
      program.readUInt16LE(base),
      program.readUInt8(base + 2),
      program.readUInt8(base + 3),
    ];
    const k = program.readUInt32LE(base + 4);
    if (code === BPF.return) return k;
    if (code === BPF.load) accumulator = word(k) >>> 0;
    else if (code === BPF.jumpIfEqual) at += accumulator === k ? jt : jf;
    else if (code === BPF.jumpIfAtLeast) at += accumulator >= k ? jt : jf;
    else if (code === BPF.jumpIfAnyBit) at += (accumulator & k) !== 0 ? jt : jf;
    else throw new Error(`an instruction that is not in the table: ${code}`);
  }
  throw new Error('the program ran off its end: the kernel would not take it');
}

/** Values of the argument that a rule looks at: one for which the call is denied, one for which it is not. */
function samplesOf(condition: Condition): { denied: number; allowed: number } {
  if ('hasAnyBit' in condition) return { denied: 0x1000_0000, allowed: 0x11 };
  if ('isOneOf' in condition) return { denied: condition.isOneOf[0] ?? 0, allowed: 0x5401 };
  return { denied: 40, allowed: condition.isNoneOf[0] ?? 0 };
}

describe.each([
  { arch: 'x64', architecture: 0xc000_003e, index: 1 as const, ordinary: [0, 1, 2, 59, 202, 257] },
  { arch: 'arm64', architecture: 0xc000_00b7, index: 2 as const, ordinary: [56, 63, 64, 98, 221] },
])('the system call filter of $arch', ({ arch, architecture, index, ordinary }) => {
  const program = systemCallFilter(arch) ?? Buffer.alloc(0);
  const rules = RULES.flatMap((rule) => {
    const number = rule[index];
    return number === null ? [] : [{ name: rule[0], number, denial: rule[3], condition: rule[4] }];
  });

  it.each(rules)(
    'denies $name with $denial, and only what its condition says',
    ({ number, denial, condition }) => {
      if (condition === undefined) {
        expect(run(program, { architecture, number })).toBe(ERRNO[denial]);
        return;
      }
      const { denied, allowed } = samplesOf(condition);
      const withArgument = (value: number) =>
        run(program, { architecture, number, arguments: { [condition.argument]: value } });
      expect(withArgument(denied)).toBe(ERRNO[denial]);
      expect(withArgument(allowed)).toBe(ALLOW);
    },
  );

  it('allows what programs live on', () => {
    for (const number of ordinary) expect(run(program, { architecture, number })).toBe(ALLOW);
  });

  it('names no call twice', () => {
    const numbers = rules.map(({ number }) => number);
    expect(new Set(numbers).size).toBe(numbers.length);
  });

  it('kills who calls by the table of another architecture', () => {
    for (const other of [0x4000_0003, 0x4000_0028, architecture ^ 1])
      expect(run(program, { architecture: other, number: 0 })).toBe(KILL);
  });
});

describe('the system call filter', () => {
  it('has no answer for x32 calls but ENOSYS', () => {
    const program = systemCallFilter('x64') ?? Buffer.alloc(0);
    for (const number of [0x4000_0000, 0x4000_0000 + 165])
      expect(run(program, { architecture: 0xc000_003e, number })).toBe(ERRNO.ENOSYS);
  });

  it('does not exist for an architecture without numbers', () => {
    expect(systemCallFilter('riscv64')).toBeUndefined();
  });
});
