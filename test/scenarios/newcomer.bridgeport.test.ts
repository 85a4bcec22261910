import { newcomer } from './rows/newcomer.ts';

newcomer('bridgeport');
