/** Classic BPF (linux/filter.h): what a packet socket's filter is made of. */

/** `struct sock_filter`: `jt` and `jf` are how many instructions a jump skips, at most 255. */
export interface BpfInstruction {
  readonly code: number;
  readonly jt: number;
  readonly jf: number;
  readonly k: number;
}

/** linux/bpf_common.h, added up: loads, jumps, arithmetic, the end. */
export const BPF = {
  /** `BPF_LD | BPF_W/H/B | BPF_ABS`: a word, half or byte at `k` */
  loadWord: 0x20,
  loadHalf: 0x28,
  loadByte: 0x30,
  /** `BPF_LD | BPF_H | BPF_IND`: at `k` and the index register */
  loadHalfIndexed: 0x48,
  /** `BPF_LDX | BPF_B | BPF_MSH`: the index register becomes the length of the IPv4 header at `k` */
  loadHeaderLength: 0xb1,
  /** `BPF_JMP | BPF_JEQ/JGE/JSET | BPF_K` */
  jumpEqual: 0x15,
  jumpAtLeast: 0x35,
  jumpAnySet: 0x45,
  /** `BPF_ALU | BPF_AND | BPF_K` */
  and: 0x54,
  /** `BPF_RET | BPF_K`: how many bytes are kept; 0 drops the packet */
  return: 0x06,
} as const;

/** `SKF_AD_OFF (-0x1000) + SKF_AD_IFINDEX (8)` (linux/filter.h): a word that is the index of the interface */
export const BPF_INTERFACE = 0xfffff008;

/** Longest program (`BPF_MAXINSNS`). */
export const BPF_MOST = 4096;
