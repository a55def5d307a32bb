/** Compiles the rules to the filter program of one architecture, as bubblewrap's `--seccomp` reads it. */
import {
  answer,
  assemble,
  ifAnyBit,
  ifAtLeast,
  ifEqual,
  type Instruction,
  load,
  unlessEqual,
} from './bpf.js';
import { type Condition, type Denial, type Rule, RULES } from './rules.js';

/** Where the filter finds things, in bytes: `struct seccomp_data` of linux/seccomp.h. */
const NUMBER = 0;
const ARCHITECTURE = 4;
/** The low half of an argument: both architectures are little-endian. */
const argumentAt = (index: number) => 16 + 8 * index;

/** Answers of linux/seccomp.h; an errno is the low half of its answer. Numbers of asm-generic/errno{-base,}.h. */
const ALLOW = 0x7fff_0000;
const KILL_PROCESS = 0x8000_0000;
const ERRNO = 0x0005_0000;
const ERRNO_OF: Record<Denial, number> = { EPERM: 1, ENOSYS: 38, EAFNOSUPPORT: 97 };

/** Of x86_64 processes that call by the x32 table: this bit is set in the number (asm/unistd.h). */
const X32_BIT = 0x4000_0000;
/** Rules that are tried one after the other: fewer are not worth a jump. */
const FEW = 3;
/** Instructions that the kernel accepts in one program: BPF_MAXINSNS. */
const PROGRAM_MAX = 4096;

interface Architecture {
  /** AUDIT_ARCH_* of linux/audit.h. */
  audit: number;
  numberOf: (rule: Rule) => number | null;
  x32: boolean;
}
const ARCHITECTURES: Readonly<Record<string, Architecture | undefined>> = {
  x64: { audit: 0xc000_003e, numberOf: ([, x64]) => x64, x32: true },
  arm64: { audit: 0xc000_00b7, numberOf: ([, , arm64]) => arm64, x32: false },
};

/** @returns the program's bytes, or undefined for an architecture (as in `process.arch`) that the rules do not cover */
export function systemCallFilter(arch: string): Buffer | undefined {
  const architecture = ARCHITECTURES[arch];
  if (architecture === undefined) return undefined;
  const program = [
    load(ARCHITECTURE),
    // Elsewhere numbers mean other calls, e.g. for 32-bit programs on the same processor.
    ...unlessEqual(architecture.audit, [answer(KILL_PROCESS)]),
    load(NUMBER),
    ...(architecture.x32 ? ifAtLeast(X32_BIT, [deny('ENOSYS')]) : []),
    ...searched(numbered(architecture)),
  ];
  if (program.length > PROGRAM_MAX) throw new RangeError(`a filter of ${program.length} instructions`);
  return assemble(program);
}

interface Numbered {
  number: number;
  body: Instruction[];
}

/** The rules that this architecture has a call for, by number. */
function numbered({ numberOf }: Architecture): Numbered[] {
  return RULES.flatMap((rule) => {
    const number = numberOf(rule);
    const [, , , denial, condition] = rule;
    return number === null ? [] : [{ number, body: bodyOf(denial, condition) }];
  }).sort((one, other) => one.number - other.number);
}

/**
 * By halves: the kernel runs the program for each call whose answer depends on arguments, and once for every number when
 * it takes the filter, which one rule after the other made 0.1 ms of a sandbox's start.
 */
function searched(rules: readonly Numbered[]): Instruction[] {
  const half = Math.floor(rules.length / 2);
  const middle = rules[half];
  if (middle === undefined || rules.length <= FEW)
    return [...rules.flatMap(({ number, body }) => ifEqual(number, body)), answer(ALLOW)];
  return [...ifAtLeast(middle.number, searched(rules.slice(half))), ...searched(rules.slice(0, half))];
}

/** Always ends: the word that is loaded then is no longer the call's number. */
function bodyOf(denial: Denial, condition: Condition | undefined): Instruction[] {
  if (condition === undefined) return [deny(denial)];
  const argument = load(argumentAt(condition.argument));
  if ('hasAnyBit' in condition)
    return [argument, ...ifAnyBit(condition.hasAnyBit, [deny(denial)]), answer(ALLOW)];
  const [inList, otherwise] =
    'isOneOf' in condition ? [deny(denial), answer(ALLOW)] : [answer(ALLOW), deny(denial)];
  const list = 'isOneOf' in condition ? condition.isOneOf : condition.isNoneOf;
  return [argument, ...list.flatMap((value) => ifEqual(value, [inList])), otherwise];
}

const deny = (denial: Denial) => answer(ERRNO | ERRNO_OF[denial]);
