/** Frames as they pass an interface. */
export { BPF, BPF_INTERFACE, BPF_MOST, type BpfInstruction } from './bpf.ts';
export { type FrameSender, FrameSenders } from './sender.ts';
export {
  ETH_P_ALL,
  ETH_P_ARP,
  type Frame,
  type FrameDirection,
  PacketSocket,
  type PacketSocketOptions,
} from './socket.ts';
