import { publishedPorts } from './rows/c-ports.ts';

publishedPorts('bridgeport');
