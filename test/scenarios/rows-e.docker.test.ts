import { dayToDay } from './rows/e-day-to-day.ts';

dayToDay('docker');
