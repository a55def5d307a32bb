/** The few instructions of classic BPF that a system call filter needs, as the kernel's `struct sock_filter` holds them. */

/** linux/filter.h: operation, how far to jump when it holds and when not, operand. */
export interface Instruction {
  code: number;
  jt: number;
  jf: number;
  k: number;
}

/** Opcodes of linux/bpf_common.h: load a word of the call, three jumps on it, return. */
export const BPF = { load: 0x20, jumpIfEqual: 0x15, jumpIfAtLeast: 0x35, jumpIfAnyBit: 0x45, return: 0x06 };

/** Bytes of one instruction: u16 code, u8 jt, u8 jf, u32 k. */
export const INSTRUCTION_BYTES = 8;
/** A jump's distance is one byte. */
const JUMP_MAX = 255;

/** Loads 32 bits of `struct seccomp_data`, at this byte. */
export const load = (offset: number): Instruction => ({ code: BPF.load, jt: 0, jf: 0, k: offset });

/** Ends the program with this answer. */
export const answer = (value: number): Instruction => ({ code: BPF.return, jt: 0, jf: 0, k: value });

export const ifEqual = (value: number, body: readonly Instruction[]) => guarded(BPF.jumpIfEqual, value, body);
export const ifAtLeast = (value: number, body: readonly Instruction[]) =>
  guarded(BPF.jumpIfAtLeast, value, body);
export const ifAnyBit = (bits: number, body: readonly Instruction[]) => guarded(BPF.jumpIfAnyBit, bits, body);

/** The body, skipped when the loaded word is this. */
export const unlessEqual = (value: number, body: readonly Instruction[]): Instruction[] => [
  { code: BPF.jumpIfEqual, jt: distance(body), jf: 0, k: value },
  ...body,
];

/** The body, skipped when the condition on the loaded word does not hold. */
function guarded(code: number, k: number, body: readonly Instruction[]): Instruction[] {
  return [{ code, jt: 0, jf: distance(body), k }, ...body];
}

function distance(body: readonly Instruction[]): number {
  if (body.length > JUMP_MAX) throw new RangeError(`a jump over ${body.length} instructions`);
  return body.length;
}

/** The program in the byte order of both architectures, little-endian. */
export function assemble(program: readonly Instruction[]): Buffer {
  const bytes = Buffer.alloc(program.length * INSTRUCTION_BYTES);
  program.forEach(({ code, jt, jf, k }, index) => {
    const at = index * INSTRUCTION_BYTES;
    bytes.writeUInt16LE(code, at);
    bytes.writeUInt8(jt, at + 2);
    bytes.writeUInt8(jf, at + 3);
    bytes.writeUInt32LE(k >>> 0, at + 4);
  });
  return bytes;
}
