import { isolation } from './rows/a-isolation.ts';

isolation('docker');
