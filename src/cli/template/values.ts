/*
 * What templates work on. A Go program's structs and maps are both JSON objects on the wire, but a template tells them
 * apart: a key that a map lacks is `<no value>`, a field that a struct lacks is an error; maps print as `map[a:b]`,
 * structs as `{b}`. Here a `Map` is a Go map and a plain object is a struct.
 */

/** A value that is not there. */
export const NO_VALUE = Symbol('<no value>');

/** Key of a struct's type name, where the struct has one: messages name it. */
export const TYPE_NAME = Symbol('type name');

/** Go's nil, which prints by its type: `[]`, `map[]` or `<nil>`. */
export class Nil {
  readonly kind: 'slice' | 'map' | 'pointer';

  constructor(kind: Nil['kind']) {
    this.kind = kind;
  }

  toJSON(): null {
    return null;
  }
}

/** Keys of Docker's API whose objects are maps with keys of the user's making. */
const MAPS = new Set(
  'Annotations AuxiliaryAddresses AuxAddress Containers Data DriverOpts ExposedPorts IPAMOptions Labels Metadata Networks Options Opts PortBindings Ports Services Status StorageOpt Sysctls Tmpfs Volumes'.split(
    ' ',
  ),
);

/** Keys whose null is a pointer's (the others' is a slice's). */
const POINTERS = new Set(
  'Health Healthcheck IPAMConfig Init MemorySwappiness OomKillDisable PidsLimit SizeRootFs SizeRw StopTimeout UsageData ConfigFrom'.split(
    ' ',
  ),
);

/** Fields that Docker leaves out of its JSON when they are empty; templates still know them. */
const OPTIONAL: Record<string, unknown> = {
  Annotations: new Nil('map'),
  ArgsEscaped: false,
  Health: new Nil('pointer'),
  Healthcheck: new Nil('pointer'),
  Init: new Nil('pointer'),
  MacAddress: '',
  Mounts: new Nil('slice'),
  NetworkDisabled: false,
  Runtime: '',
  Shell: new Nil('slice'),
  SizeRootFs: new Nil('pointer'),
  SizeRw: new Nil('pointer'),
  StopSignal: '',
  StopTimeout: new Nil('pointer'),
  StorageOpt: new Nil('map'),
  Sysctls: new Nil('map'),
  Tmpfs: new Nil('map'),
};

/** Makes template values of the JSON that a daemon sent. */
export function fromJson(value: unknown, key = '', parent = ''): unknown {
  // `LogConfig.Config` is a map of options, every other `Config` is a struct.
  const isMap = MAPS.has(key) || (key === 'Config' && parent === 'LogConfig');
  if (value === null) return new Nil(isMap ? 'map' : POINTERS.has(key) ? 'pointer' : 'slice');
  if (Array.isArray(value)) return value.map((item) => fromJson(item, '', key));
  if (typeof value !== 'object') return value;
  const entries = Object.entries(value as object).map(
    // A map's keys are names, not field names: `Networks: {Data: …}` holds a struct.
    ([name, item]) => [name, fromJson(item, isMap ? '' : name, key)] as [string, unknown],
  );
  return isMap ? new Map(entries) : Object.fromEntries(entries);
}

/** True for what counts as empty in `if`, `and`, `or`, `with`: false, 0, "", nil, and empty lists and maps. */
export function isEmpty(value: unknown): boolean {
  if (value === NO_VALUE || value === null || value === undefined || value instanceof Nil) return true;
  if (Array.isArray(value)) return value.length === 0;
  if (value instanceof Map) return value.size === 0;
  return value === false || value === 0 || value === '';
}

/** A problem that shows when a template runs. */
export class EvaluationError extends Error {}

/**
 * The field `name` of `value`. Structs are looked up exactly, then without regard to case: Go's `ID` is `Id` on the
 * wire.
 *
 * Throws `EvaluationError` for a field that a struct does not have.
 */
export function field(value: unknown, name: string): unknown {
  if (value instanceof Map) return value.has(name) ? value.get(name) : NO_VALUE;
  if (value === NO_VALUE || value === null || value === undefined || value instanceof Nil) {
    if (value instanceof Nil && value.kind === 'map') return NO_VALUE;
    throw new EvaluationError(`nil pointer evaluating ${name}`);
  }
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw new EvaluationError(`can't evaluate field ${name} in type ${typeName(value)}`);
  }
  const struct = value as Record<string, unknown>;
  if (Object.hasOwn(struct, name)) return struct[name];
  const lower = name.toLowerCase();
  const same = Object.keys(struct).find((key) => key.toLowerCase() === lower);
  if (same !== undefined) return struct[same];
  const type = (value as { [TYPE_NAME]?: string })[TYPE_NAME];
  if (type !== undefined) throw new EvaluationError(`can't evaluate field ${name} in type ${type}`);
  if (Object.hasOwn(OPTIONAL, name)) return OPTIONAL[name];
  throw new EvaluationError(`map has no entry for key "${name}"`);
}

/** Go's name for the type of a value, for messages. */
export function typeName(value: unknown): string {
  if (Array.isArray(value)) return '[]interface {}';
  if (value instanceof Map) return 'map[string]interface {}';
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'float64';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'string') return 'string';
  return 'interface {}';
}
