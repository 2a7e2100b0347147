/* SPDX-License-Identifier: GPL-2.0 */
/* Opcodes of the NVM command set that the benchmark sends. */
#ifndef NVM_H
#define NVM_H

#define NVM_WRITE	0x01
#define NVM_READ	0x02

#endif /* NVM_H */
