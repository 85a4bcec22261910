/** Which sockets a namespace has. */
export { type LocalSocket, listLocalSockets } from './client.ts';
