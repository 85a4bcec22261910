/** libnftables(3) through koffi. Only what `src/kernel/nft` needs. */
import koffi from 'koffi';
import { BridgeportError } from '../../base/errors.ts';

/** The address of a `struct nft_ctx`. */
export type NftContextPointer = bigint;

export interface Libnftables {
  /** @param flags `NFT_CTX_DEFAULT = 0` */
  nft_ctx_new(flags: number): NftContextPointer | null;
  nft_ctx_free(context: NftContextPointer): void;
  /** From here on output is kept instead of printed. 0, or -1 without memory. */
  nft_ctx_buffer_output(context: NftContextPointer): number;
  nft_ctx_buffer_error(context: NftContextPointer): number;
  nft_ctx_get_output_buffer(context: NftContextPointer): string | null;
  nft_ctx_get_error_buffer(context: NftContextPointer): string | null;
  nft_ctx_output_set_flags(context: NftContextPointer, flags: number): void;
  nft_ctx_set_dry_run(context: NftContextPointer, dry: boolean): void;
  nft_run_cmd_from_filename(context: NftContextPointer, path: string): number;
}

const PROTOTYPES: Record<keyof Libnftables, string> = {
  nft_ctx_new: 'void *nft_ctx_new(uint32_t flags)',
  nft_ctx_free: 'void nft_ctx_free(void *context)',
  nft_ctx_buffer_output: 'int nft_ctx_buffer_output(void *context)',
  nft_ctx_buffer_error: 'int nft_ctx_buffer_error(void *context)',
  nft_ctx_get_output_buffer: 'const char *nft_ctx_get_output_buffer(void *context)',
  nft_ctx_get_error_buffer: 'const char *nft_ctx_get_error_buffer(void *context)',
  nft_ctx_output_set_flags: 'void nft_ctx_output_set_flags(void *context, unsigned int flags)',
  nft_ctx_set_dry_run: 'void nft_ctx_set_dry_run(void *context, bool dry)',
  nft_run_cmd_from_filename: 'int nft_run_cmd_from_filename(void *context, const char *path)',
};

// Like `libc()`: one immutable binding per process, made when first needed.
let bound: Libnftables | undefined;

/** @throws kind `unavailable` when the library (Debian's package libnftables1) is not installed */
export function libnftables(): Libnftables {
  if (bound === undefined) {
    let library: ReturnType<typeof koffi.load>;
    try {
      library = koffi.load('libnftables.so.1');
    } catch (error) {
      throw new BridgeportError(
        'unavailable',
        'libnftables.so.1 is not installed: the package libnftables1 has it',
        { cause: error },
      );
    }
    const entries = Object.entries(PROTOTYPES).map(([name, prototype]) => [name, library.func(prototype)]);
    bound = Object.freeze(Object.fromEntries(entries)) as Libnftables;
  }
  return bound;
}
