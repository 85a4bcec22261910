import { publishedPorts } from './rows/c-ports.ts';

publishedPorts('docker');
