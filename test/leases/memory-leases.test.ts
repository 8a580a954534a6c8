// Leases in memory keep the contract.
import { createMemoryLeases } from '../../src/leases/memory-leases.ts';
import { leasesContract } from '../contracts/leases.ts';

leasesContract('leases in memory', async () => createMemoryLeases());
