/** Where the API writes its log; the shape of pino's methods, so that a pino logger fits. */
export interface ApiLog {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** A log that keeps nothing. */
export const silentLog: ApiLog = { debug() {}, info() {}, warn() {}, error() {} };
