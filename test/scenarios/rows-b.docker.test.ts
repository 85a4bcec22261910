import { bridge } from './rows/b-bridge.ts';

bridge('docker');
