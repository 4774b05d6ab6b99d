# Public cell images for the unlabelled half of pre-training, nearly all with
# labels, which are left out. A config takes the ones that it trains on:
# sources=[_base_.cell_catalogue.yeaz, ...]. Which nine the paper draws on is
# not known. BBBC038 is not here: it is the external validation; others may
# hold images of it, so run tools/analysis/check_leakage.py. `folder` and
# `exclude` are what tools/dataset_converters/prepare_cells.py reads and leaves
# out. What we could not verify says "see its page". data/README.md shows the
# same as a table.
cell_catalogue = dict(
    livecell=dict(
        name='livecell',
        # A list, as its test images lie in the same folder.
        paths='livecell/livecell_train.txt',
        about=dict(
            modality='phase contrast, eight cell types',
            images='5,239, test part included',
            url='https://sartorius-research.github.io/LIVECell/',
            licence='CC BY-NC 4.0',
            layout=(
                '`images/livecell_{train_val,test}_images/<cell type>/*.tif`; '
                'labels are json'
            ),
        ),
    ),
    evican=dict(
        name='evican',
        paths='cells/evican',
        about=dict(
            modality='bright field and phase contrast, 30 cell lines',
            images='4,600',
            url='https://edmond.mpg.de/dataset.xhtml?persistentId=doi:10.17617/3.AJBV1S',
            licence='see its page',
            layout='`EVICAN_{train,val,eval}*/*.jpg`; labels are json',
            folder='EVICAN',
        ),
    ),
    cellpose=dict(
        name='cellpose',
        paths='cells/cellpose',
        about=dict(
            modality='fluorescence and others, mixed',
            images='see its page',
            url='https://www.cellpose.org/dataset',
            licence='see its page',
            layout=(
                '`*_img.png`; labels `*_masks.png`; partly BBBC007 and BBBC020'
            ),
            folder='cellpose',
            exclude=['*_masks.png'],
        ),
    ),
    omnipose=dict(
        name='omnipose',
        paths='cells/omnipose',
        about=dict(
            modality='bacteria, worms; phase contrast, fluorescence',
            images='see its page',
            url='https://osf.io/xmury/',
            licence='see its page',
            layout='`{bact_*,worm*}/**`; labels `*_masks.*`, `*_flows.*`',
            folder='omnipose',
            exclude=['*_masks.*', '*_flows.tif'],
        ),
    ),
    yeaz=dict(
        name='yeaz',
        paths='cells/yeaz',
        about=dict(
            modality='yeast, bright field and phase contrast',
            images='see its page',
            url='https://www.epfl.ch/labs/lpbs/data-and-software/',
            licence='see its page',
            layout='`gold-standard-*/*_im.tif`; labels `*_mask.tif`',
            folder='yeaz',
            exclude=['*_mask.tif'],
        ),
    ),
    deepbacs=dict(
        name='deepbacs',
        paths='cells/deepbacs',
        about=dict(
            modality='bacteria, bright field and fluorescence',
            images='see its page',
            url='https://zenodo.org/records/5551009',
            licence='see its page',
            layout='`*/source/*.tif`; labels `target/`',
            folder='deepbacs',
            exclude=['*/target/*'],
        ),
    ),
    bccd=dict(
        name='bccd',
        paths='cells/bccd',
        about=dict(
            modality='stained blood',
            images='364',
            url='https://github.com/Shenggan/BCCD_Dataset',
            licence='MIT',
            layout='`BCCD/JPEGImages/*.jpg`; labels are xml',
            folder='BCCD_Dataset/BCCD/JPEGImages',
        ),
    ),
    wbc1=dict(
        name='wbc1',
        paths='cells/wbc1',
        about=dict(
            modality='stained white blood cells (Jiangxi Tecom)',
            images='300',
            url='https://github.com/zxaoyou/segmentation_WBC',
            licence='research use',
            layout='`*.bmp`; labels `*.png`',
            folder='segmentation_WBC/Dataset 1',
            exclude=['*.png'],
        ),
    ),
    wbc2=dict(
        name='wbc2',
        paths='cells/wbc2',
        about=dict(
            modality='stained white blood cells (CellaVision)',
            images='100',
            url='https://github.com/zxaoyou/segmentation_WBC',
            licence='research use',
            layout='`*.bmp`; labels `*.png`',
            folder='segmentation_WBC/Dataset 2',
            exclude=['*.png'],
        ),
    ),
    sbs_transfluor=dict(
        name='sbs_transfluor',
        paths='cells/sbs_transfluor',
        about=dict(
            modality='fluorescence, Transfluor assay',
            images='72',
            url='https://cellprofiler.org/examples',
            licence='see its page',
            layout='tif in one folder; no labels',
            folder='sbs_transfluor',
        ),
    ),
    nuinsseg=dict(
        name='nuinsseg',
        paths='cells/nuinsseg',
        about=dict(
            modality='H&E stained tissue of man and mouse, 31 organs',
            images='665',
            url='https://www.kaggle.com/datasets/ipateam/nuinsseg',
            licence='see its page',
            layout='`<organ>/tissue images/*.png`; all else labels',
            folder='nuinsseg/*/tissue images',
        ),
    ),
    monuseg=dict(
        name='monuseg',
        paths='cells/monuseg',
        about=dict(
            modality='H&E stained tissue, several organs',
            images='51 (37 training, 14 test)',
            url='https://monuseg.grand-challenge.org/Data/',
            licence='CC BY-NC-SA 4.0',
            layout=(
                '`Tissue Images/*.tif`, `MoNuSegTestData/*.tif`; labels are '
                'xml'
            ),
            folder='monuseg',
        ),
    ),
    consep=dict(
        name='consep',
        paths='cells/consep',
        about=dict(
            modality='H&E stained colorectal tissue',
            images='41',
            url='https://warwick.ac.uk/fac/cross_fac/tia/data/hovernet/',
            licence='see its page',
            layout='`*/Images/*.png`; labels `Labels/`, drawn `Overlay/`',
            folder='CoNSeP/*/Images',
        ),
    ),
    s_bsst265=dict(
        name='s_bsst265',
        paths='cells/s_bsst265',
        about=dict(
            modality='fluorescent nuclei of cells and tissue',
            images='79',
            url='https://www.ebi.ac.uk/biostudies/studies/S-BSST265',
            licence='CC0 as curated in S-BIAD634',
            layout='`rawimages/*.tif`; labels in the other folders',
            folder='S-BSST265/rawimages',
        ),
    ),
    bbbc005=dict(
        name='bbbc005',
        paths='cells/bbbc005',
        about=dict(
            modality='fluorescence, simulated, sharp to blurred',
            images='19,200',
            url='https://bbbc.broadinstitute.org/BBBC005',
            licence='CC0',
            layout='`*.TIF`, one a channel; labels in another archive',
            folder='BBBC005_v1_images',
        ),
    ),
    bbbc006=dict(
        name='bbbc006',
        paths='cells/bbbc006',
        about=dict(
            modality='fluorescent U2OS cells, a focus stack, 16 bit',
            images='1,536 a plane: 768 fields, 2 channels',
            url='https://bbbc.broadinstitute.org/BBBC006',
            licence='CC0',
            layout=(
                '`*_z_<plane>/*.tif`, 16 is sharp; labels in another archive'
            ),
            folder='BBBC006_v1_images_z_16',
        ),
    ),
    bbbc007=dict(
        name='bbbc007',
        paths='cells/bbbc007',
        about=dict(
            modality='fluorescent Drosophila Kc167 cells',
            images='32: 16 fields, 2 channels',
            url='https://bbbc.broadinstitute.org/BBBC007',
            licence='CC0',
            layout='`*/*.tif`; labels in another archive',
            folder='BBBC007_v1_images',
        ),
    ),
    bbbc020=dict(
        name='bbbc020',
        paths='cells/bbbc020',
        about=dict(
            modality='fluorescent mouse macrophages',
            images='50: 25 fields, 2 channels',
            url='https://bbbc.broadinstitute.org/BBBC020',
            licence='see its page',
            layout=(
                '`*/*.TIF`, `(c1+c5)` repeats both channels; labels in others'
            ),
            folder='BBBC020_v1_images',
            exclude=['*(c1+c5)*'],
        ),
    ),
    bbbc039=dict(
        name='bbbc039',
        paths='cells/bbbc039',
        about=dict(
            modality='fluorescent U2OS nuclei, 16 bit',
            images='200',
            url='https://bbbc.broadinstitute.org/BBBC039',
            licence='CC0',
            layout=(
                '`*.tif`; labels in another archive; said to share images '
                'with BBBC038'
            ),
            folder='BBBC039/images',
        ),
    ),
    fluo_neuronal_cells=dict(
        name='fluo_neuronal_cells',
        paths='cells/fluo_neuronal_cells',
        about=dict(
            modality='fluorescent neurons in rodent brain',
            images='750 labelled, and unlabelled ones',
            url='https://amsacta.unibo.it/id/eprint/7347',
            licence='CC BY 4.0',
            layout='`*/*/images/*.png`; labels `ground_truths/`',
            folder='fluo_neuronal_cells/*/*/images',
        ),
    ),
    ctc_phc_u373=dict(
        name='ctc_phc_u373',
        paths='cells/ctc_phc_u373',
        about=dict(
            modality='phase contrast, glioblastoma, two films',
            images='see its page',
            url='http://data.celltrackingchallenge.net/training-datasets/PhC-C2DH-U373.zip',
            licence='see its page',
            layout='`{01,02}/*.tif`; labels `*_GT/`, `*_ST/`',
            folder='PhC-C2DH-U373',
            exclude=['*_GT/*', '*_ST/*'],
        ),
    ),
    ctc_dic_hela=dict(
        name='ctc_dic_hela',
        paths='cells/ctc_dic_hela',
        about=dict(
            modality='interference contrast, HeLa cells, two films',
            images='see its page',
            url='http://data.celltrackingchallenge.net/training-datasets/DIC-C2DH-HeLa.zip',
            licence='see its page',
            layout='`{01,02}/*.tif`; labels `*_GT/`, `*_ST/`',
            folder='DIC-C2DH-HeLa',
            exclude=['*_GT/*', '*_ST/*'],
        ),
    ),
    ctc_fluo_hela=dict(
        name='ctc_fluo_hela',
        paths='cells/ctc_fluo_hela',
        about=dict(
            modality='fluorescent nuclei, HeLa cells, two films',
            images='see its page',
            url='http://data.celltrackingchallenge.net/training-datasets/Fluo-N2DL-HeLa.zip',
            licence='see its page',
            layout='`{01,02}/*.tif`; labels `*_GT/`, `*_ST/`',
            folder='Fluo-N2DL-HeLa',
            exclude=['*_GT/*', '*_ST/*'],
        ),
    ),
    ctc_fluo_sim=dict(
        name='ctc_fluo_sim',
        paths='cells/ctc_fluo_sim',
        about=dict(
            modality='fluorescent nuclei, simulated, two films',
            images='see its page',
            url='http://data.celltrackingchallenge.net/training-datasets/Fluo-N2DH-SIM+.zip',
            licence='see its page',
            layout='`{01,02}/*.tif`; labels `*_GT/`',
            folder='Fluo-N2DH-SIM+',
            exclude=['*_GT/*'],
        ),
    ),
    neurips_cellseg=dict(
        name='neurips_cellseg',
        paths='cells/neurips_cellseg',
        about=dict(
            modality='all kinds, from many laboratories',
            images='over 1,500 labelled, and others',
            url='https://zenodo.org/records/10719375',
            licence='see its page',
            layout=(
                '`*/images/*`, `release-part1/*`; labels `labels/`; may hold '
                'BBBC038'
            ),
            folder='neurips_cellseg',
            exclude=['*/labels/*'],
        ),
    ),
)
