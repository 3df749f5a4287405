"""Facts about models that others have published. Loads no framework, so that listing models is instant."""

from dataclasses import dataclass

SO3LR_ELEMENTS = (1, 6, 7, 8, 9, 15, 16, 17)
NOBLE_GASES = (2, 10, 18, 36, 54, 86)


@dataclass(frozen=True)
class Published:
    """A model that can be fetched."""

    kind: str
    url: str
    sha256: str  # of the file behind `url`
    content: str  # `model_files.content_hash` of its arrays, the same for every file format
    elements: tuple[int, ...]
    parameters: int
    description: str
    licence: str
    reference: str
    training: str
    float32_error: str  # measured against double precision


PUBLISHED = {
    "so3lr": Published(
        kind="so3lr",
        url=(
            "https://raw.githubusercontent.com/general-molecular-simulations/so3lr/"
            "5ec39b9d8d83872107cd3f1bc5904387eb9ff4c8/so3lr/params/params.pkl"
        ),
        sha256="1c481bd2d9280f8b7b131ec65e92d25ff73deda76956bc137754c2acb98d93fd",
        content="20382084551bac4d6a1f287e5d08bf93cc61ac4bff659532400fe7863dd65516",
        elements=SO3LR_ELEMENTS,
        parameters=530_238,
        description="SO3krates with learned charges, electrostatics, dispersion and nuclear repulsion",
        licence="MIT",
        reference=(
            "Kabylda, Frank, Suárez-Dou, Khabibrakhmanov, Medrano Sandonas, Unke, Chmiela, Müller, Tkatchenko, "
            "Molecular Simulations with a Pretrained Neural Network and Universal Pairwise Force Fields, "
            "J. Am. Chem. Soc. (2025)"
        ),
        training=(
            "Trained by its authors on forces, dipoles and Hirshfeld ratios of 3 846 600 structures, not on energies; "
            "closed shells only."
        ),
        float32_error=(
            "Single against double precision, over 38 molecules of 2 to 42 atoms: energies within 1e-5 eV, "
            "forces within 5e-5 eV/Å (2e-5 without series for the filters), charges within 6e-7 e."
        ),
    )
}
