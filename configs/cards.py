"""Score cards: what each score measures, its range and direction, formula, source and cost.

The report and the documents print these; no other place describes a score.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Of = Literal["cell", "pair", "configuration", "row", "cluster", "run", "latent space"]
Scope = Literal["local", "every scale", "global", "labels", "loss", "stability", "latent space"]


@dataclass(frozen=True)
class ScoreCard:
    """One score as a reader needs it.

    Attributes
    ----------
    score
        The name in every table.
    title
        The name in prose.
    of
        What one value belongs to: a cell, a pair of cells, a configuration over all its runs, a row of the data, a
        consensus cluster, the pictures of a run together, or the latent space.
    scope
        What it looks at: ``local`` neighbourhoods, ``every scale``, the ``global`` arrangement, the ``labels``, the
        ``loss`` that the reducer itself minimises, the ``stability`` of islands and shapes, or the ``latent space``.
    range
        Smallest and largest value.
    better
        Which direction is better.
    question
        The question that the score answers, in one sentence.
    formula
        Definition in plain text.
    source
        Publication, with its DOI where it has one.
    cost
        How the work grows with rows n, anchors m, neighbours k, dimensions d.
    blind
        What the score cannot see.
    """

    score: str
    title: str
    of: Of
    scope: Scope
    range: tuple[float, float]
    better: Literal["higher", "lower"]
    question: str
    formula: str
    source: str
    cost: str
    blind: str


SHARED_COST = "O(m n (d + log n)), shared by all rank scores"

CARDS: tuple[ScoreCard, ...] = (
    ScoreCard(
        score="trustworthiness",
        title="Trustworthiness",
        of="cell",
        scope="local",
        range=(0.0, 1.0),
        better="higher",
        question="Are neighbours in the picture neighbours in the latent space? (Punishes false neighbours.)",
        formula="1 − 2/(n k (2n − 3k − 1)) Σᵢ Σ_{j ∈ V_k(i) \\ N_k(i)} (ρᵢⱼ − k), where N_k and V_k are the k nearest "
        "in the latent space and in the picture and ρᵢⱼ is the rank of j around i in the latent space",
        source="Venna & Kaski 2001, doi:10.1007/3-540-44668-0_68",
        cost=SHARED_COST,
        blind="Missing neighbours; whatever lies further away than k rows; clusters that are drawn too far apart.",
    ),
    ScoreCard(
        score="continuity",
        title="Continuity",
        of="cell",
        scope="local",
        range=(0.0, 1.0),
        better="higher",
        question="Are neighbours in the latent space still neighbours in the picture? (Punishes torn neighbourhoods.)",
        formula="1 − 2/(n k (2n − 3k − 1)) Σᵢ Σ_{j ∈ N_k(i) \\ V_k(i)} (rᵢⱼ − k), where rᵢⱼ is the rank of j around i "
        "in the picture",
        source="Venna & Kaski 2001, doi:10.1007/3-540-44668-0_68",
        cost=SHARED_COST,
        blind="False neighbours; whatever lies further away than k rows.",
    ),
    ScoreCard(
        score="knn_recall",
        title="kNN recall",
        of="cell",
        scope="local",
        range=(0.0, 1.0),
        better="higher",
        question="What share of a point's k nearest neighbours does the picture keep?",
        formula="mean over i of |N_k(i) ∩ V_k(i)| / k",
        source="Kobak & Berens 2019, doi:10.1038/s41467-019-13056-x",
        cost=SHARED_COST,
        blind="How far away the lost neighbours are drawn: next door counts as lost, too.",
    ),
    ScoreCard(
        score="mrre_false",
        title="MRRE, false neighbours",
        of="cell",
        scope="local",
        range=(0.0, 1.0),
        better="higher",
        question="How far off in rank are the neighbours that the picture shows, the nearest weighing most?",
        formula="1 − (1/(n H_k)) Σᵢ Σ_{j ∈ V_k(i)} |ρᵢⱼ − rᵢⱼ| / rᵢⱼ, H_k = Σ_{i=1..k} |n − 2i + 1| / i",
        source="Lee & Verleysen 2007, doi:10.1007/978-0-387-39351-3",
        cost=SHARED_COST,
        blind="Neighbours that are missing; whatever lies further away than k rows.",
    ),
    ScoreCard(
        score="mrre_missing",
        title="MRRE, missing neighbours",
        of="cell",
        scope="local",
        range=(0.0, 1.0),
        better="higher",
        question="How far off in rank are the latent space's neighbours in the picture, the nearest weighing most?",
        formula="1 − (1/(n H_k)) Σᵢ Σ_{j ∈ N_k(i)} |ρᵢⱼ − rᵢⱼ| / ρᵢⱼ",
        source="Lee & Verleysen 2007, doi:10.1007/978-0-387-39351-3",
        cost=SHARED_COST,
        blind="False neighbours; whatever lies further away than k rows.",
    ),
    ScoreCard(
        score="lcmc",
        title="LCMC",
        of="cell",
        scope="local",
        range=(-1.0, 1.0),
        better="higher",
        question="What share of k neighbours does the picture keep beyond chance?",
        formula="LCMC(k) = Q_NX(k) − k/(n − 1); Q_NX(k) is the kNN recall",
        source="Chen & Buja 2009, doi:10.1198/jasa.2009.0111",
        cost=SHARED_COST,
        blind="How far away the lost neighbours are drawn.",
    ),
    ScoreCard(
        score="auc_ln_k",
        title="AUC of R_NX over ln K",
        of="cell",
        scope="every scale",
        range=(-1.0, 1.0),
        better="higher",
        question="How well are neighbourhoods of every size kept, small ones weighing most? (0 is chance.)",
        formula="Σ_K R_NX(K)/K / Σ_K 1/K, K = 1 … n − 2, R_NX(K) = ((n − 1) Q_NX(K) − K)/(n − 1 − K)",
        source="Lee, Peluffo-Ordóñez & Verleysen 2015, doi:10.1016/j.neucom.2014.12.095",
        cost=SHARED_COST,
        blind="At which size the picture fails: look at the curve.",
    ),
    ScoreCard(
        score="r_nx",
        title="R_NX",
        of="cell",
        scope="every scale",
        range=(-1.0, 1.0),
        better="higher",
        question="At which neighbourhood sizes is the picture better than chance? (0 is chance, 1 perfect.)",
        formula="R_NX(K) = ((n − 1) Q_NX(K) − K)/(n − 1 − K)",
        source="Lee, Peluffo-Ordóñez & Verleysen 2015, doi:10.1016/j.neucom.2014.12.095",
        cost=SHARED_COST,
        blind="Whether neighbours are false or missing: it counts both.",
    ),
    ScoreCard(
        score="q_local",
        title="Q local",
        of="cell",
        scope="every scale",
        range=(0.0, 1.0),
        better="higher",
        question="How well are small neighbourhoods kept, up to the size where the picture exceeds chance most?",
        formula="mean of Q_NX(K) over K ≤ K_max, K_max = argmax LCMC(K)",
        source="Lee & Verleysen 2010, doi:10.1016/j.patrec.2010.04.013",
        cost=SHARED_COST,
        blind="K_max differs from picture to picture, so two values may look at different sizes.",
    ),
    ScoreCard(
        score="q_global",
        title="Q global",
        of="cell",
        scope="every scale",
        range=(0.0, 1.0),
        better="higher",
        question="How well are large neighbourhoods kept, beyond the size where the picture exceeds chance most?",
        formula="mean of Q_NX(K) over K > K_max",
        source="Lee & Verleysen 2010, doi:10.1016/j.patrec.2010.04.013",
        cost=SHARED_COST,
        blind="A random picture reaches about one half, since large neighbourhoods overlap by chance.",
    ),
    ScoreCard(
        score="distance_correlation",
        title="Distance correlation",
        of="cell",
        scope="global",
        range=(-1.0, 1.0),
        better="higher",
        question="Do things that are far apart look far apart? (Spearman's ρ of a Shepard diagram.)",
        formula="Spearman correlation of the pair distances of 1,000 rows in both spaces",
        source="Kobak & Berens 2019, doi:10.1038/s41467-019-13056-x",
        cost="O(10⁶ d), whatever n",
        blind="Small neighbourhoods: most pairs are far apart.",
    ),
    ScoreCard(
        score="triplet_accuracy",
        title="Random-triplet accuracy",
        of="cell",
        scope="global",
        range=(0.0, 1.0),
        better="higher",
        question="Of two random rows, is the nearer one nearer in the picture, too? (0.5 is chance.)",
        formula="share of triplets (i, j, k) with the same order of d(i, j), d(i, k) in both spaces, 5 pairs per row",
        source="Wang et al. 2021, jmlr.org/papers/v22/20-1061.html",
        cost="O(5 n d)",
        blind="Small neighbourhoods: random pairs are far apart.",
    ),
    ScoreCard(
        score="reliability",
        title="Reliability",
        of="cell",
        scope="global",
        range=(-1.0, 1.0),
        better="higher",
        question="Around a row, does the picture order the nearer half of the data as the latent space does?",
        formula="mean over i of the Pearson correlation of two lists of distances in the picture: to the h nearest in "
        "the latent space, nearest first, and to the h nearest in the picture, nearest first; h = ⌊n/2⌋",
        source="Xia, Lee & Li 2024 (scDEED), doi:10.1038/s41467-024-45891-y",
        cost=SHARED_COST,
        blind="Small neighbourhoods: h is half of all rows. Calling single rows dubious needs a picture of "
        "structureless data, and a null without correlated columns makes almost every row trustworthy.",
    ),
    ScoreCard(
        score="centroid_agreement",
        title="Centroid agreement",
        of="cell",
        scope="global",
        range=(0.0, 1.0),
        better="higher",
        question="Are classes that are nearer to one another drawn nearer to one another? (0.5 is chance.)",
        formula="share of pairs of distances between class means with the same order in both spaces",
        source="Wang et al. 2021, jmlr.org/papers/v22/20-1061.html",
        cost="O(n d + classes² log classes)",
        blind="What happens inside a class; a class of several clusters has a mean where no row lies.",
    ),
    ScoreCard(
        score="centroid_correlation",
        title="Centroid correlation",
        of="cell",
        scope="global",
        range=(-1.0, 1.0),
        better="higher",
        question="Does the arrangement of the classes in the picture mean anything?",
        formula="Spearman correlation of the distances between class means in both spaces",
        source="Kobak & Berens 2019, doi:10.1038/s41467-019-13056-x",
        cost="O(n d + classes²)",
        blind="What happens inside a class; a class of several clusters has a mean where no row lies.",
    ),
    ScoreCard(
        score="neighbourhood_hit",
        title="Neighbourhood hit",
        of="cell",
        scope="labels",
        range=(0.0, 1.0),
        better="higher",
        question="What share of a point's k neighbours in the picture has its label?",
        formula="mean over labelled i of |{j ∈ V_k(i): label j = label i}| / k",
        source="Paulovich et al. 2008, doi:10.1109/TVCG.2007.70443",
        cost=SHARED_COST,
        blind="Whether the latent space separates the labels at all: a picture that invents gaps scores well.",
    ),
    ScoreCard(
        score="silhouette",
        title="Silhouette of the labels",
        of="cell",
        scope="labels",
        range=(-1.0, 1.0),
        better="higher",
        question="Are the labels drawn as compact groups apart from one another?",
        formula="mean over labelled i of (b − a)/max(a, b): mean distance a to its own class, b to the nearest other",
        source="Rousseeuw 1987, doi:10.1016/0377-0427(87)90125-7",
        cost="O(m n)",
        blind="Classes that are not round; whether the latent space separates the labels at all.",
    ),
    ScoreCard(
        score="kl_divergence",
        title="Kullback-Leibler divergence",
        of="cell",
        scope="loss",
        range=(0.0, float("inf")),
        better="lower",
        question="How small did t-SNE get its own loss?",
        formula="Σ_{i ≠ j} pᵢⱼ log(pᵢⱼ / qᵢⱼ), qᵢⱼ = (1 + dᵢⱼ²)⁻¹ / Σ_{k ≠ l} (1 + dₖₗ²)⁻¹, without exaggeration",
        source="van der Maaten & Hinton 2008, jmlr.org/papers/v9/vandermaaten08a.html",
        cost="O(n perplexity + m n)",
        blind="Other perplexities: P changes with it, so that only pictures of one perplexity can be compared, "
        "runs of different seeds above all. Arrangement at a distance: it hardly costs anything.",
    ),
    ScoreCard(
        score="cross_entropy",
        title="Fuzzy cross-entropy",
        of="cell",
        scope="loss",
        range=(0.0, float("inf")),
        better="lower",
        question="How small did UMAP get the loss that it is derived from?",
        formula="(1/n) Σ_{i ≠ j} v log(v/w) + (1 − v) log((1 − v)/(1 − w)), w = 1/(1 + a d²ᵇ), 1 − w at least 10⁻⁴",
        source="McInnes, Healy & Melville 2018, doi:10.48550/arXiv.1802.03426",
        cost="O(n n_neighbors + m n)",
        blind="Other n_neighbors or min_dist: the graph and the curve change with them, so that only pictures of the "
        "same can be compared. UMAP samples repulsion, so that what it really minimises weighs far pairs less.",
    ),
    ScoreCard(
        score="ari",
        title="Adjusted Rand index",
        of="pair",
        scope="stability",
        range=(-0.5, 1.0),
        better="higher",
        question="Do two pictures show the same islands? (0 is chance, 1 the same partition.)",
        formula="(RI − E[RI]) / (max RI − E[RI]) over the rows that are in an island of both pictures",
        source="Hubert & Arabie 1985, doi:10.1007/BF01908075",
        cost="O(n + islands²)",
        blind="Whether the islands exist: a cut through one even cloud can repeat. Large islands dominate it.",
    ),
    ScoreCard(
        score="ami",
        title="Adjusted mutual information",
        of="pair",
        scope="stability",
        range=(-1.0, 1.0),
        better="higher",
        question="Do two pictures show the same islands, small ones counted too? (0 is chance, 1 the same partition.)",
        formula="(MI − E[MI]) / (mean(H(U), H(V)) − E[MI]) over the rows that are in an island of both pictures",
        source="Vinh, Epps & Bailey 2010, jmlr.org/papers/v11/vinh10a.html",
        cost="O(n + islands²)",
        blind="Whether the islands exist: a cut through one even cloud can repeat.",
    ),
    ScoreCard(
        score="element_centric",
        title="Element-centric similarity",
        of="pair",
        scope="stability",
        range=(0.0, 1.0),
        better="higher",
        question="Of a row's islands in two pictures, what share do they have in common, on average?",
        formula="mean over i of |Aᵢ ∩ Bᵢ| / max(|Aᵢ|, |Bᵢ|), Aᵢ and Bᵢ the filled islands of row i",
        source="Gates et al. 2019, doi:10.1038/s41598-019-44892-y",
        cost="O(n + islands²)",
        blind="Chance: two pictures of one island each agree perfectly.",
    ),
    ScoreCard(
        score="neighbour_jaccard",
        title="Neighbour overlap",
        of="pair",
        scope="stability",
        range=(-1.0, 1.0),
        better="higher",
        question="Does a row have the same 15 neighbours in two pictures? (0 is chance.)",
        formula="mean over i of (Jᵢ − E[J]) / (1 − E[J]), Jᵢ = |Vᵢᴬ ∩ Vᵢᴮ| / |Vᵢᴬ ∪ Vᵢᴮ|, E[J] by chance",
        source="Sun et al. 2023, doi:10.1038/s43588-022-00380-4",
        cost="O(n k log k)",
        blind="Islands: neighbours may shuffle inside an island that stays.",
    ),
    ScoreCard(
        score="procrustes",
        title="Procrustes disparity",
        of="pair",
        scope="stability",
        range=(0.0, 1.0),
        better="lower",
        question="Do two pictures have the same shape after moving, turning, mirroring and scaling? (0 is the same.)",
        formula="1 − (Σ singular values of AᵀB)², A and B centred and scaled to unit Frobenius norm",
        source="Gower 1975, doi:10.1007/BF02291478",
        cost="O(n)",
        blind="Which islands are the same: islands that trade places count as another shape.",
    ),
    ScoreCard(
        score="ness",
        title="Neighbour stability (NESS)",
        of="configuration",
        scope="stability",
        range=(0.0, 1.0),
        better="higher",
        question="In what share of a setting's runs do a row's usual neighbours come back?",
        formula="mean over i of the 0.75 quantile of {Gᵢⱼ/Nᵢⱼ : Gᵢⱼ > 0}, Gᵢⱼ the runs in which j is among the k "
        "nearest of i, or i among those of j, whichever is more, Nᵢⱼ the runs that drew both",
        source="NESS 2025, doi:10.48550/arXiv.2506.22228",
        cost="O(R n k) over R runs",
        blind="Whether the neighbours are right: a false picture can repeat. With R runs it is never below 1/R.",
    ),
    ScoreCard(
        score="distance_variance",
        title="Distance variance",
        of="row",
        scope="stability",
        range=(0.0, float("inf")),
        better="lower",
        question="How much do the distances from a row to its latent neighbours vary from run to run?",
        formula="mean over j ∈ N_k(i) of Var_b(dᵇᵢⱼ / d̄), every picture at unit RMS radius, d̄ the mean distance of all "
        "such pairs",
        source="Sun et al. 2023 (DynamicViz), doi:10.1038/s43588-022-00380-4",
        cost="O(R n k) over R runs",
        blind="Whether the distances are right; rows that move together with their neighbours.",
    ),
    ScoreCard(
        score="embedr_p",
        title="EMBEDR p",
        of="row",
        scope="local",
        range=(0.0, 1.0),
        better="lower",
        question="Is a row's neighbourhood kept better than one of data without structure?",
        formula="2 × median over runs of (1 + #{null EES ≤ EESᵢ})/(m + 1), at most 1; EESᵢ = Σⱼ pⱼ|ᵢ log(pⱼ|ᵢ / qⱼ|ᵢ) "
        "over the 3 × perplexity nearest; the null are the m such errors of a picture of structureless data",
        source="Johnson et al. 2022, doi:10.1016/j.patter.2022.100443",
        cost="O(R n perplexity), and the pictures of the null",
        blind="What structure there is: p depends on the null, and against one without correlated columns any "
        "correlation makes it small. Clusters: a row can be drawn well in a cloud without any.",
    ),
    ScoreCard(
        score="recurrence",
        title="Recurrence",
        of="cluster",
        scope="stability",
        range=(0.0, 1.0),
        better="higher",
        question="Do other pictures show this cluster as an island of its own?",
        formula="mean over settings of max over islands I of |C ∩ I| / |C ∪ I|, each a mean over seeds; above .85 "
        "highly stable, above .75 stable, above .6 a pattern, else not to be trusted",
        source="Hennig 2007, doi:10.1016/j.csda.2006.11.025",
        cost="O(n) a picture",
        blind="Gaps in the latent space: an arbitrary cut through an even cloud can come back everywhere.",
    ),
    ScoreCard(
        score="pac",
        title="Ambiguous pairs (PAC)",
        of="run",
        scope="stability",
        range=(0.0, 1.0),
        better="lower",
        question="About how many pairs of rows do the pictures disagree?",
        formula="share of pairs of rows that between 10 % and 90 % of the pictures put into one island",
        source="Șenbabaoğlu et al. 2014, doi:10.1038/srep06207",
        cost="O(pairs) a picture, at most 1,000,000 pairs",
        blind="Which pairs: one large cluster that settings cut differently weighs as much as many that come and go. "
        "Pictures without any island agree perfectly.",
    ),
    ScoreCard(
        score="intrinsic_dimension",
        title="Intrinsic dimension",
        of="latent space",
        scope="latent space",
        range=(0.0, float("inf")),
        better="lower",
        question="How many directions do the vectors use around a typical row?",
        formula="1 / mean over i of 1/(k − 1) Σ_{j<k} ln(T_k / T_j), T_j the distance to the j-th neighbour",
        source="Levina & Bickel 2004, papers.nips.cc/paper/2577",
        cost="O(n k)",
        blind="A dimension that differs from place to place; above about 20 it is estimated too low.",
    ),
    ScoreCard(
        score="hubness",
        title="Hubness",
        of="latent space",
        scope="latent space",
        range=(-1.0, float("inf")),
        better="lower",
        question="Are a few rows the neighbours of very many others?",
        formula="skewness of the number of rows that have row i among their k nearest",
        source="Radovanović et al. 2010, jmlr.org/papers/v11/radovanovic10a.html",
        cost="O(n k)",
        blind="Why: outliers, many dimensions and density give hubs, too.",
    ),
    ScoreCard(
        score="label_purity",
        title="Purity of labels",
        of="latent space",
        scope="latent space",
        range=(0.0, 1.0),
        better="higher",
        question="What share of a row's neighbours in the latent space has its label?",
        formula="mean over labelled i of |{j ∈ N_k(i): label j = label i}| / k",
        source="k-nearest-neighbour purity, as in Paulovich et al. 2008, doi:10.1109/TVCG.2007.70443",
        cost="O(n k)",
        blind="Gaps: two classes that touch along a border are almost as pure as two far apart.",
    ),
    ScoreCard(
        score="input_trustworthiness",
        title="Trustworthiness from inputs",
        of="latent space",
        scope="latent space",
        range=(0.0, 1.0),
        better="higher",
        question="Are neighbours in the latent space similar inputs?",
        formula="trustworthiness with the raw inputs as the space and the latent vectors as its picture",
        source="Venna & Kaski 2001, doi:10.1007/3-540-44668-0_68",
        cost="O(m n (d + log n))",
        blind="Similarity that Euclidean distance between raw inputs does not measure, such as a shifted image.",
    ),
    ScoreCard(
        score="input_continuity",
        title="Continuity from inputs",
        of="latent space",
        scope="latent space",
        range=(0.0, 1.0),
        better="higher",
        question="Are similar inputs neighbours in the latent space?",
        formula="continuity with the raw inputs as the space and the latent vectors as its picture",
        source="Venna & Kaski 2001, doi:10.1007/3-540-44668-0_68",
        cost="O(m n (d + log n))",
        blind="Similarity that Euclidean distance between raw inputs does not measure, such as a shifted image.",
    ),
    ScoreCard(
        score="effective_rank",
        title="Effective rank",
        of="latent space",
        scope="latent space",
        range=(0.0, float("inf")),
        better="higher",
        question="How many directions do the vectors use, counted by how much they vary along each?",
        formula="exp(−Σ pᵢ log pᵢ), pᵢ = σᵢ / Σ σ, σ the singular values of the centred vectors; 1 to the dimensions",
        source="Roy & Vetterli 2007, EUSIPCO, pp. 606–610; Garrido et al. 2023 (RankMe), arXiv:2210.02885",
        cost="O(n d² + d³)",
        blind="Whether a direction means anything: noise raises it. A curved sheet uses more directions than it has "
        "dimensions.",
    ),
    ScoreCard(
        score="variance_share",
        title="Variance along the first components",
        of="latent space",
        scope="latent space",
        range=(0.0, 1.0),
        better="lower",
        question="What share of all variance lies along the first k principal components?",
        formula="Σ_{i ≤ k} λᵢ / Σ λᵢ, λ the eigenvalues of the covariance, descending",
        source="Jolliffe 2002, doi:10.1007/b98835",
        cost="O(n d² + d³)",
        blind="Structure in narrow directions: clusters may lie along the last component.",
    ),
    ScoreCard(
        score="active_units",
        title="Active dimensions",
        of="latent space",
        scope="latent space",
        range=(0.0, float("inf")),
        better="higher",
        question="How many dimensions carry something that no other one does?",
        formula="dimensions that are not 0 or constant in every row, no copy of another one (r² > 0.9999), not below a "
        "thousandth of the widest one's variance and, where log σ² is known, not collapsed",
        source="Burda, Grosse & Salakhutdinov 2016, arXiv:1509.00519, for those of a variational encoder",
        cost="O(n d²)",
        blind="Whether a dimension means anything: noise is active.",
    ),
    ScoreCard(
        score="collapsed_dimensions",
        title="Collapsed dimensions",
        of="latent space",
        scope="latent space",
        range=(0.0, float("inf")),
        better="lower",
        question="In how many dimensions does the posterior equal the prior, whatever the input?",
        formula="dimensions with mean KL(N(μ, σ²) ‖ N(0, 1)) < 0.01 nats and variance of μ < 0.01",
        source="Lucas et al. 2019, arXiv:1911.02469; Burda et al. 2016, arXiv:1509.00519",
        cost="O(n d)",
        blind="Encoders whose posterior's variance is not in the file, and priors other than N(0, 1).",
    ),
    ScoreCard(
        score="prior_divergence",
        title="Information about the input",
        of="latent space",
        scope="latent space",
        range=(0.0, float("inf")),
        better="higher",
        question="How many nats does the posterior of a row tell beyond the prior?",
        formula="mean over rows of Σⱼ ½ (μⱼ² + σⱼ² − 1 − log σⱼ²)",
        source="Kingma & Welling 2014, arXiv:1312.6114",
        cost="O(n d)",
        blind="Whether what it tells is used by the decoder.",
    ),
)

CARD_OF = {card.score: card for card in CARDS}
"""Cards by the score's name in the tables."""
