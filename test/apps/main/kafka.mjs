import { Kafka, logLevel } from 'kafkajs';
import { play } from '../../fixtures/kafka/play.cjs';

await play({ Kafka, logLevel }, process.env);
