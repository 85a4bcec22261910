import { rulesBetweenContainers } from './rows/d-rules.ts';

rulesBetweenContainers('bridgeport');
