/** Methods as values, and the object that calls them in a containerd namespace. */

import type { CallOptions } from './api.ts';
import type { Call, Connection } from './connection.ts';
import type { Encodable, Fields, Message } from './protobuf.ts';

/** Bound of calls that do bounded work, milliseconds. Generous: `runc create` on a loaded machine takes seconds. */
const DEFAULT_TIMEOUT = 60_000;

// biome-ignore lint/suspicious/noExplicitAny: the fields of any message
type AnyFields = any;

export interface Method<I extends Fields, O extends Fields> {
  readonly path: string;
  readonly request: Message<I>;
  readonly response: Message<O>;
}

/** Declares the methods of one service: `const method = service('containerd.services.tasks.v1.Tasks')`. */
export function service(name: string) {
  return <I extends Fields, O extends Fields>(
    method: string,
    request: Message<I>,
    response: Message<O>,
  ): Method<I, O> => ({
    path: `/${name}/${method}`,
    request,
    response,
  });
}

type Output<M> = M extends Method<AnyFields, AnyFields> ? ReturnType<M['response']['decode']> : never;
type Input<M> = M extends Method<infer I extends Fields, AnyFields> ? Encodable<I> : never;

export class Caller {
  readonly namespace: string;
  readonly #connection: Connection;
  readonly #headers: Record<string, string>;

  constructor(connection: Connection, namespace: string, lease?: string) {
    this.namespace = namespace;
    this.#connection = connection;
    this.#headers = { 'containerd-namespace': namespace, ...(lease ? { 'containerd-lease': lease } : {}) };
  }

  /** The same connection and namespace with everything held by `lease`. */
  leased(lease: string): Caller {
    return new Caller(this.#connection, this.namespace, lease);
  }

  /** `action` names what is done, for errors: `get image "a"`. Default deadline 60 s. */
  call<M extends Method<AnyFields, AnyFields>>(
    method: M,
    action: string,
    request: Input<M>,
    options: CallOptions = {},
  ): Promise<Output<M>> {
    return this.callForever(method, action, request, {
      signal: options.signal,
      timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT,
    });
  }

  /** As `call()`, without a deadline unless one is given. */
  async callForever<M extends Method<AnyFields, AnyFields>>(
    method: M,
    action: string,
    request: Input<M>,
    options: CallOptions = {},
  ): Promise<Output<M>> {
    const answer = await this.#connection.unary(
      method.path,
      method.request.encode(request),
      this.#options(action, options),
    );
    return method.response.decode(answer) as Output<M>;
  }

  /** One request, many answers. Leaving the loop cancels the call. */
  async *stream<M extends Method<AnyFields, AnyFields>>(
    method: M,
    action: string,
    request: Input<M>,
    options: CallOptions = {},
  ): AsyncGenerator<Output<M>, void, undefined> {
    const call = await this.#connection.open(method.path, this.#options(action, options));
    call.send(method.request.encode(request), true);
    for await (const message of call.messages()) yield method.response.decode(message) as Output<M>;
  }

  /** Many requests, many answers. */
  async duplex<M extends Method<AnyFields, AnyFields>>(
    method: M,
    action: string,
    options: CallOptions = {},
  ): Promise<Duplex<Input<M>, Output<M>>> {
    const call = await this.#connection.open(method.path, this.#options(action, options));
    return new Duplex<Input<M>, Output<M>>(call, method);
  }

  #options(action: string, options: CallOptions) {
    return { action, headers: this.#headers, signal: options.signal, timeoutMs: options.timeoutMs };
  }
}

/** A call with messages in both directions. */
export class Duplex<I, O> {
  readonly #call: Call;
  readonly #method: Method<AnyFields, AnyFields>;
  readonly #messages: AsyncGenerator<Buffer, void, undefined>;

  constructor(call: Call, method: Method<AnyFields, AnyFields>) {
    this.#call = call;
    this.#method = method;
    this.#messages = call.messages();
  }

  send(request: I): void {
    this.#call.send(this.#method.request.encode(request as Encodable<AnyFields>));
  }

  /** The next answer, `undefined` after the last; throws the call's failure. */
  async receive(): Promise<O | undefined> {
    const next = await this.#messages.next();
    return next.done ? undefined : (this.#method.response.decode(next.value) as O);
  }

  /** No more requests from us. */
  finish(): void {
    this.#call.finish();
  }

  cancel(): void {
    this.#call.cancel();
  }
}
