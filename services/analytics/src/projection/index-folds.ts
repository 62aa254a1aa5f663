import { projectionFold } from './projection-fold.js';

/** Topics whose events only have to be found again: their figures come from other topics. */
export const paymentsFold = projectionFold('payments', () => {});
export const chargesFold = projectionFold('charges', () => {});
/** Others keep copies of the registry; here its unreadable records are set aside, once. */
export const registryFold = projectionFold('registry', () => {});
