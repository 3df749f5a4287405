// A molecule out of what Python sends: numbers from bytes, and NGL's structure from numbers.

const ELEMENTS = ("X H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr " +
  "Rb Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu Hf Ta W Re " +
  "Os Ir Pt Au Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U Np Pu Am Cm Bk Cf Es Fm Md No Lr").split(" ")

/** Numbers out of what Bokeh delivers for bytes. */
function numbersFrom(Type, bytes) {
  if (!bytes) return new Type(0)
  if (bytes instanceof ArrayBuffer) return new Type(bytes)
  return new Type(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength))
}

/** An NGL structure with exactly these bonds: NGL's own file readers would guess them from the distances. */
function buildStructure(NGL, numbers, positions, bonds) {
  const structure = new NGL.Structure("molecule", "")
  const { atomStore, residueStore, chainStore, modelStore, bondStore } = structure
  const count = numbers.length
  const types = Array.from(numbers, number => structure.atomMap.add(ELEMENTS[number] ?? "X", ELEMENTS[number] ?? "X"))
  atomStore.resize(count)
  atomStore.count = count
  for (let i = 0; i < count; i++) {
    atomStore.atomTypeId[i] = types[i]
    atomStore.serial[i] = i + 1
    atomStore.occupancy[i] = 1
    atomStore.x[i] = positions[3 * i]
    atomStore.y[i] = positions[3 * i + 1]
    atomStore.z[i] = positions[3 * i + 2]
  }
  for (const store of [residueStore, chainStore, modelStore]) { store.resize(1); store.count = 1 }
  residueStore.atomCount[0] = count
  residueStore.resno[0] = 1
  residueStore.residueTypeId[0] = structure.residueMap.add("MOL", types, true)
  chainStore.residueCount[0] = 1
  modelStore.chainCount[0] = 1
  structure.finalizeAtoms()
  const first = structure.getAtomProxy(), second = structure.getAtomProxy()
  for (let b = 0; b < bonds.length; b += 2) {
    first.index = bonds[b]
    second.index = bonds[b + 1]
    bondStore.growIfFull()
    bondStore.addBond(first, second, 1)
  }
  structure.finalizeBonds()
  return structure
}
